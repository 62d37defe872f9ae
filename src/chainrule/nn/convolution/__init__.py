"""Convolution, pooling, and layers that change the size of images; channels stand last."""

from chainrule.nn.convolution.adaptive import (
    AdaptiveAveragePool1D,
    AdaptiveAveragePool2D,
    AdaptiveAveragePool3D,
    AdaptiveMaxPool1D,
    AdaptiveMaxPool2D,
    AdaptiveMaxPool3D,
)
from chainrule.nn.convolution.dense import Conv1D, Conv2D, Conv3D
from chainrule.nn.convolution.depthwise import DepthwiseConv1D, DepthwiseConv2D
from chainrule.nn.convolution.everywhere import GlobalAveragePool, GlobalMaxPool
from chainrule.nn.convolution.pooling import (
    AveragePool1D,
    AveragePool2D,
    AveragePool3D,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
)
from chainrule.nn.convolution.resizing import UpSample, ZeroPad
from chainrule.nn.convolution.separable import SeparableConv1D, SeparableConv2D
from chainrule.nn.convolution.transposed import ConvTranspose1D, ConvTranspose2D, ConvTranspose3D

__all__ = [
    "AdaptiveAveragePool1D",
    "AdaptiveAveragePool2D",
    "AdaptiveAveragePool3D",
    "AdaptiveMaxPool1D",
    "AdaptiveMaxPool2D",
    "AdaptiveMaxPool3D",
    "AveragePool1D",
    "AveragePool2D",
    "AveragePool3D",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "ConvTranspose1D",
    "ConvTranspose2D",
    "ConvTranspose3D",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "SeparableConv1D",
    "SeparableConv2D",
    "UpSample",
    "ZeroPad",
]

"""Sequences that Keras publishes in its own tests, ``keras/src/optimizers/*_test.py``.

Ten ones take a step by gradients of 0.01, and then steps by gradients of 0.1, 0.2 ... 1.0. Keras
prints four digits and compares to 5e-4. A row with one number stands for ten equal ones. Its
sequence for AdamW has an epsilon of 2, which it adds in another place than we; the single step is
free of that.
"""

from __future__ import annotations

from typing import Any

from chainrule import optim

TOLERANCE = 5e-4

CASES: dict[str, tuple[Any, list[list[float]]]] = {
    "sgd_test": (
        optim.SGD(0.01),
        [
            [0.9999] * 10,
            [0.9989, 0.9979, 0.9969, 0.9959, 0.9949, 0.9939, 0.9929, 0.9919, 0.9909, 0.9899],
            [0.9979, 0.9959, 0.9939, 0.9919, 0.9899, 0.9879, 0.9859, 0.9839, 0.9819, 0.9799],
            [0.9969, 0.9939, 0.9909, 0.9879, 0.9849, 0.9819, 0.9789, 0.9759, 0.9729, 0.9699],
            [0.9959, 0.9919, 0.9879, 0.9839, 0.9799, 0.9759, 0.9719, 0.9679, 0.9639, 0.9599],
        ],
    ),
    "adagrad_test": (
        optim.Adagrad(0.2, start=0.3, epsilon=1e-6),
        [
            [0.9963] * 10,
            [0.9604, 0.9278, 0.9003, 0.8784, 0.8615, 0.8487, 0.8388, 0.8313, 0.8255, 0.8209],
            [0.9251, 0.8629, 0.8137, 0.7768, 0.7497, 0.7298, 0.7151, 0.704, 0.6956, 0.6891],
            [0.8903, 0.8012, 0.7342, 0.6862, 0.6521, 0.6277, 0.6099, 0.5967, 0.5867, 0.579],
            [0.856, 0.7422, 0.6604, 0.6037, 0.5644, 0.5367, 0.5168, 0.5021, 0.491, 0.4825],
        ],
    ),
    "adadelta_test": (
        optim.Adadelta(1.0, decay=0.8, epsilon=1e-6),
        [[0.9978], [0.9947], [0.9915], [0.9882], [0.9849]],
    ),
    "rmsprop_test (centered)": (
        optim.RMSprop(0.001, decay=0.9, epsilon=1e-7, centered=True),
        [[0.9967], [0.9933], [0.9908], [0.9885], [0.9864]],
    ),
    "adam_test (amsgrad)": (
        optim.Adam(0.001, epsilon=1e-7, amsgrad=True),
        [[0.999], [0.9982], [0.9974], [0.9965], [0.9955]],
    ),
    "adamax_test": (
        optim.Adamax(0.2, beta1=0.85, beta2=0.95, epsilon=1e-6),
        [
            [0.8] * 10,
            [0.6827, 0.6873, 0.6888, 0.6896, 0.6901, 0.6904, 0.6906, 0.6908, 0.6909, 0.691],
            [0.5333, 0.5407, 0.5431, 0.5444, 0.5451, 0.5456, 0.546, 0.5462, 0.5464, 0.5466],
            [0.368, 0.3773, 0.3804, 0.382, 0.3829, 0.3835, 0.384, 0.3843, 0.3846, 0.3848],
            [0.1933, 0.204, 0.2076, 0.2094, 0.2105, 0.2112, 0.2117, 0.2121, 0.2124, 0.2126],
        ],
    ),
    "nadam_test": (
        optim.Nadam(0.5, beta1=0.5, beta2=0.67, epsilon=1e-5, warming=1.0),
        [
            [0.4281] * 10,
            [
                -0.1738,
                -0.1731,
                -0.1726,
                -0.1723,
                -0.1721,
                -0.172,
                -0.1719,
                -0.1718,
                -0.1718,
                -0.1717,
            ],
            [
                -0.7115,
                -0.7103,
                -0.7096,
                -0.7092,
                -0.709,
                -0.7088,
                -0.7086,
                -0.7085,
                -0.7085,
                -0.7084,
            ],
            [
                -1.2335,
                -1.2322,
                -1.2313,
                -1.2309,
                -1.2306,
                -1.2304,
                -1.2302,
                -1.2301,
                -1.23,
                -1.2299,
            ],
            [
                -1.7492,
                -1.7478,
                -1.7469,
                -1.7464,
                -1.7461,
                -1.7459,
                -1.7457,
                -1.7456,
                -1.7455,
                -1.7454,
            ],
        ],
    ),
    "lion_test": (optim.Lion(0.001), [[0.999], [0.998], [0.997], [0.996], [0.995]]),
}

ADAMW_STEP = {
    "optimiser": optim.AdamW(0.5, weight_decay=0.004, epsilon=1e-7, biases=True),
    "before": [1.0, 2.0, 3.0, 4.0],
    "gradients": [1.0, 6.0, 7.0, 2.0],
    "after": [0.4980, 1.4960, 2.494, 3.492],
}
"""``adamw_test``, test_single_step, compared to 1e-4."""

"""Pictures: found in folders and files, brought to one form, and encoded.

=============  ==================================================================
file           idea
=============  ==================================================================
``folder``     a place -> its pictures and their labels
``arrays``     ... out of idx, ``.npz`` and ``.npy`` files
``pictures``   pictures beside a table with a row for each
``form``       one height, width and number of colours for all
``pillow``     one file -> one picture
``encoder``    pictures -> the input of a network, fitted on the training part
=============  ==================================================================

Reading files of pictures needs Pillow, ``pip install 'chainrule[images]'``; arrays do not.
"""

from chainrule.data.images.arrays import read_idx
from chainrule.data.images.encoder import ImageEncoder
from chainrule.data.images.folder import read_pictures
from chainrule.data.images.form import PictureForm
from chainrule.data.images.pictures import LABEL, Pictures

__all__ = ["LABEL", "ImageEncoder", "PictureForm", "Pictures", "read_idx", "read_pictures"]

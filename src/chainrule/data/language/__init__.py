"""Text for language models: files, tokens, and stretches of them.

==============  ==================================================================
file            idea
==============  ==================================================================
``corpus``      a file -> its parts; tokens -> stretches and what follows them
``characters``  characters as tokens
``subwords``    frequent runs of characters as tokens, by the library ``tokenizers``
``tokenizer``   what both have to offer
==============  ==================================================================
"""

from chainrule.data.language.characters import UNKNOWN, Characters
from chainrule.data.language.corpus import Corpus, read_text, stretches
from chainrule.data.language.subwords import Subwords
from chainrule.data.language.tokenizer import Tokenizer, tokenizer_from_dict

__all__ = [
    "UNKNOWN",
    "Characters",
    "Corpus",
    "Subwords",
    "Tokenizer",
    "read_text",
    "stretches",
    "tokenizer_from_dict",
]

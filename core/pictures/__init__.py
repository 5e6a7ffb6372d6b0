"""Pictures: bytes in, a verified picture out.

The words are here. The work is asked of `core.pictures.workshop.PictureWorkshop`, which has it done in a process of
its own; nothing in this process ever decodes what a stranger sent.
"""

from core.pictures.picture import Picture, PictureLimits, PictureProblem, PictureRefused

__all__ = ["Picture", "PictureLimits", "PictureProblem", "PictureRefused"]

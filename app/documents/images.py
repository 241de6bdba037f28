"""Images that reach a document: photographs and signatures re-encoded, the emblem of the letterhead.

Whatever was hidden in a file (metadata with the position, a second format, a decompression bomb) does not
survive: only its pixels do. The caller stores the result and hands it to `render` by an id.
"""

from __future__ import annotations

import io
import math
import warnings
from functools import cache
from typing import Final

from PIL import Image, ImageDraw, ImageOps, UnidentifiedImageError

from app.core.errors import RuleBroken

MAX_IMAGE_PIXELS: Final = 50_000_000
"""A photograph of 50 megapixels is the largest that telephones make."""
MAX_IMAGE_BYTES: Final = 25 * 1024 * 1024
MAX_IMAGES: Final = 200
FORMATS: Final = ("JPEG", "PNG", "WEBP")

_REMEDY = "Adjunte una fotografía JPG, PNG o WebP de hasta 25 MB."


class ImageRefused(RuleBroken):
    """The file is no image that we accept, or is too large to open; code `image_refused`."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message, field, "image_refused")


def safe_image(data: bytes, *, max_side: int = 1600, field: str | None = None) -> bytes:
    """Return the picture as new JPEG bytes (PNG for drawings with transparency), upright, no metadata.

    The longer side is at most `max_side` pixels: 200 dots per inch across a page. Raises `ImageRefused`.
    """
    if len(data) > MAX_IMAGE_BYTES:
        raise ImageRefused(f"La imagen pesa más de 25 MB. {_REMEDY}", field)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                return _encode(_opened(picture, max_side), max_side)
    except ImageRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageRefused(f"La imagen tiene demasiados puntos. {_REMEDY}", field) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise ImageRefused(f"El archivo no es una imagen legible. {_REMEDY}", field) from error


def _opened(picture: Image.Image, max_side: int) -> Image.Image:
    """The decoded picture, upright. The size is read from the header, before any pixel."""
    width, height = picture.size
    if width * height > MAX_IMAGE_PIXELS:
        raise ImageRefused(f"La imagen tiene demasiados puntos. {_REMEDY}")
    picture.draft("RGB", (max_side, max_side))  # a JPEG can be decoded small
    return ImageOps.exif_transpose(picture)


def _encode(picture: Image.Image, max_side: int) -> bytes:
    clear = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    picture = picture.convert("RGBA" if clear else "RGB")
    picture.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    if clear:
        picture.save(out, "PNG", optimize=True)
    else:
        picture.save(out, "JPEG", quality=85, optimize=True)
    return out.getvalue()


def check_image(name: str, data: bytes) -> None:
    """Raise `ImageRefused` unless `data` is a PNG or JPEG of an honest size; reads the header only."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
                width, height = picture.size
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageRefused(f"La imagen «{name}» tiene demasiados puntos.") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise ImageRefused(f"La imagen «{name}» no es legible.") from error
    if width * height > MAX_IMAGE_PIXELS:
        raise ImageRefused(f"La imagen «{name}» tiene demasiados puntos.")


@cache
def emblem_png(side: int = 240) -> bytes:
    """Return the placeholder of the coat of arms: a star between two branches. Drawn, not a copy of it.

    The ministry puts its own in its place by handing an image called `emblem`.
    """
    scale = 4  # drawn large and reduced, because Pillow does not smooth edges
    big = side * scale
    canvas = Image.new("RGB", (big, big), "white")
    draw = ImageDraw.Draw(canvas)
    middle = big / 2
    for radius, width, colour in ((0.48, 0.012, "#1f3a5f"), (0.445, 0.006, "#1f3a5f")):
        box = [middle - radius * big, middle - radius * big, middle + radius * big, middle + radius * big]
        draw.ellipse(box, outline=colour, width=round(width * big))
    _branches(draw, big)
    draw.polygon(_star(middle, middle * 0.94, big * 0.17), fill="#c9a227")
    out = io.BytesIO()
    canvas.resize((side, side), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()


def _star(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    """The ten corners of a five-pointed star, the first one up."""
    corners = []
    for step in range(10):
        reach = radius if step % 2 == 0 else radius * 0.382
        angle = math.pi / 5 * step - math.pi / 2
        corners.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
    return corners


def _branches(draw: ImageDraw.ImageDraw, big: int) -> None:
    """Two branches of leaves that meet below, open above."""
    middle, reach = big / 2, big * 0.33
    for side in (-1, 1):
        for step in range(13):
            angle = math.radians(90 + side * (10 + step * 11.0))
            x, y = middle + reach * math.cos(angle), middle + reach * math.sin(angle)
            for lean in (-0.5, 0.5):
                tip = angle + side * math.radians(52) + lean * 1.3
                draw.polygon(_leaf(x, y, tip, big * 0.085), fill="#2f6b3a")


def _leaf(x: float, y: float, angle: float, length: float) -> list[tuple[float, float]]:
    along = (math.cos(angle), math.sin(angle))
    across = (-along[1] * length * 0.19, along[0] * length * 0.19)
    half = (x + along[0] * length * 0.5, y + along[1] * length * 0.5)
    return [
        (x, y),
        (half[0] + across[0], half[1] + across[1]),
        (x + along[0] * length, y + along[1] * length),
        (half[0] - across[0], half[1] - across[1]),
    ]

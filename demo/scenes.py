"""Pictures of the demo's three sites, drawn from a seeded random generator: the same name gives the same picture."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from datetime import date

from PIL import Image, ImageDraw, ImageFilter, ImageFont

Colour = tuple[int, int, int]
SIZE = (480, 360)

_HULLS: Sequence[Colour] = ((178, 58, 46), (38, 84, 124), (46, 110, 82), (70, 70, 78))
_CONTAINERS: Sequence[Colour] = (
    (214, 120, 44),
    (58, 124, 165),
    (196, 62, 62),
    (236, 196, 86),
    (96, 150, 110),
)
_SKIES: Sequence[tuple[Colour, Colour]] = (
    ((247, 190, 138), (252, 228, 190)),
    ((112, 170, 222), (206, 230, 244)),
    ((132, 146, 166), (204, 210, 216)),
)


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def _gradient(draw: ImageDraw.ImageDraw, top: int, bottom: int, first: Colour, second: Colour) -> None:
    for y in range(top, bottom):
        draw.line(((0, y), (SIZE[0], y)), fill=_mix(first, second, (y - top) / max(1, bottom - top)))


def _caption(image: Image.Image, text: str) -> Image.Image:
    draw = ImageDraw.Draw(image, "RGBA")
    font = ImageFont.load_default(size=15)
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    height = bottom - top + 14
    draw.rectangle((0, SIZE[1] - height, right - left + 20, SIZE[1]), fill=(12, 18, 28, 170))
    draw.text((10, SIZE[1] - height + 5), text, font=font, fill=(255, 255, 255, 255))
    return image


def _ship(draw: ImageDraw.ImageDraw, rng: random.Random, x: float, water: int, length: int) -> None:
    hull, height = rng.choice(_HULLS), length // 7
    draw.polygon(
        [(x, water), (x + length, water), (x + length - 14, water + height), (x + 10, water + height)],
        fill=hull,
    )
    draw.line(
        (x + 10, water + height, x + length - 14, water + height), fill=_mix(hull, (0, 0, 0), 0.5), width=2
    )
    bridge = x + 8
    draw.rectangle((bridge, water - 26, bridge + 20, water), fill=(240, 240, 236))
    for row in range(3):
        draw.line(
            (bridge + 3, water - 22 + row * 7, bridge + 17, water - 22 + row * 7),
            fill=(90, 120, 150),
            width=2,
        )
    for column in range(int(length // 15) - 3):
        for level in range(rng.randint(1, 3)):
            left, low = x + 34 + column * 15, water - level * 9
            draw.rectangle((left, low - 8, left + 13, low - 1), fill=rng.choice(_CONTAINERS))


def _crane(draw: ImageDraw.ImageDraw, x: float, ground: int, reach: int) -> None:
    steel = (208, 84, 40)
    draw.line((x, ground, x, ground - 150), fill=steel, width=5)
    draw.line((x + 34, ground, x + 34, ground - 150), fill=steel, width=5)
    draw.line((x, ground - 60, x + 34, ground - 100), fill=steel, width=3)
    draw.line((x - reach, ground - 118, x + 62, ground - 118), fill=steel, width=6)
    draw.line((x + 17, ground - 172, x - reach, ground - 118), fill=steel, width=2)
    draw.line((x + 17, ground - 172, x + 62, ground - 118), fill=steel, width=2)
    draw.line((x - reach * 0.6, ground - 118, x - reach * 0.6, ground - 66), fill=(50, 50, 54), width=1)
    draw.rectangle((x - reach * 0.6 - 9, ground - 66, x - reach * 0.6 + 9, ground - 56), fill=_CONTAINERS[0])


def harbour(rng: random.Random, moment: float) -> Image.Image:
    """A quay with ships and a crane; ``moment`` (0 to 1) moves the ships, for the frames of a video."""
    image = Image.new("RGB", SIZE)
    draw = ImageDraw.Draw(image)
    horizon = rng.randint(128, 150)
    _gradient(draw, 0, horizon, *rng.choice(_SKIES))
    sun = rng.randint(40, SIZE[0] - 40), rng.randint(24, 70)
    draw.ellipse((sun[0] - 16, sun[1] - 16, sun[0] + 16, sun[1] + 16), fill=(255, 244, 214))
    hills = [(0, horizon)]
    hills += [(x, horizon - rng.randint(6, 34)) for x in range(0, SIZE[0] + 40, 40)]
    draw.polygon([*hills, (SIZE[0], horizon)], fill=(110, 132, 140))
    _gradient(draw, horizon, SIZE[1], (70, 128, 150), (24, 62, 88))
    for _ in range(90):
        x, y = rng.randint(0, SIZE[0]), rng.randint(horizon + 6, SIZE[1] - 50)
        draw.line((x, y, x + rng.randint(6, 24), y), fill=(150, 192, 204))
    for lane in range(rng.randint(1, 2)):
        start = rng.randint(-20, 220)
        _ship(draw, rng, start + moment * 90, horizon + 26 + lane * 52, rng.randint(120, 210))
    quay = SIZE[1] - 52
    _gradient(draw, quay, SIZE[1], (150, 148, 142), (108, 106, 102))
    draw.line((0, quay, SIZE[0], quay), fill=(232, 200, 72), width=4)
    _crane(draw, rng.randint(250, 390), quay, rng.randint(120, 180))
    return image


def orchard(rng: random.Random, moment: float) -> Image.Image:
    """Rows of fruit trees from above; ``moment`` (0 to 1) is how far the drone has flown."""
    image = Image.new("RGB", SIZE, (150, 126, 88))
    draw = ImageDraw.Draw(image)
    for _ in range(900):
        x, y = rng.randint(0, SIZE[0]), rng.randint(0, SIZE[1])
        draw.point((x, y), fill=_mix((150, 126, 88), (110, 90, 60), rng.random()))
    fruit = rng.choice(((214, 48, 49), (240, 160, 40), (168, 200, 60)))
    spacing, shift = rng.randint(58, 70), moment * 60
    for row, y in enumerate(range(-spacing, SIZE[1] + spacing, spacing)):
        draw.rectangle((0, y - 11 + shift, SIZE[0], y + 11 + shift), fill=(120, 148, 84))
        for x in range(-20 + (row % 2) * spacing // 2, SIZE[0] + spacing, spacing):
            if rng.random() < 0.06:  # a gap where a tree was lost
                continue
            centre, radius = (x + rng.randint(-4, 4), y + shift + rng.randint(-3, 3)), rng.randint(19, 26)
            draw.ellipse(
                (
                    centre[0] - radius + 6,
                    centre[1] - radius + 9,
                    centre[0] + radius + 6,
                    centre[1] + radius + 9,
                ),
                fill=(84, 74, 50),
            )
            for ring, share in ((1.0, 0.0), (0.74, 0.35), (0.45, 0.6)):
                size = radius * ring
                leaf = _mix((38, 92, 48), (132, 178, 84), share)
                draw.ellipse(
                    (centre[0] - size, centre[1] - size, centre[0] + size, centre[1] + size), fill=leaf
                )
            for _ in range(rng.randint(3, 8)):
                angle, distance = rng.random() * math.tau, rng.random() * radius * 0.8
                px, py = centre[0] + math.cos(angle) * distance, centre[1] + math.sin(angle) * distance
                draw.ellipse((px - 2, py - 2, px + 2, py + 2), fill=fruit)
    return image


def clinic(rng: random.Random, moment: float) -> Image.Image:
    """A chest X-ray; ``moment`` (0 to 1) widens the lungs."""
    image = Image.new("L", SIZE, 12)
    draw = ImageDraw.Draw(image)
    middle, top = SIZE[0] // 2 + rng.randint(-8, 8), 20
    draw.ellipse((middle - 165, top, middle + 165, SIZE[1] + 120), fill=104)
    draw.rectangle((middle - 34, 0, middle + 34, 60), fill=104)
    wide = round(8 * moment)
    for side in (-1, 1):
        inner, outer = middle + side * 22, middle + side * (118 + wide)
        draw.ellipse((min(inner, outer), 52, max(inner, outer), 282 + wide), fill=34)
    heart = rng.randint(30, 40)
    draw.ellipse((middle - 24, 150, middle + heart + 34, 268), fill=128)
    draw.rectangle((middle - 10, 10, middle + 10, SIZE[1]), fill=150)
    for rib in range(8):
        y = 56 + rib * 27
        for side in (-1, 1):
            left, right = sorted((middle + side * 12, middle + side * (136 + wide)))
            start, end = (200, 345) if side > 0 else (195, 340)
            draw.arc((left, y, right, y + 58), start, end, fill=142, width=7)
    for side in (-1, 1):
        draw.line((middle + side * 16, 46, middle + side * 128, 28), fill=166, width=9)
    for _ in range(rng.randint(0, 2)):
        x, y, radius = (
            middle + rng.choice((-1, 1)) * rng.randint(50, 90),
            rng.randint(110, 220),
            rng.randint(4, 8),
        )
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=176)
    return image.filter(ImageFilter.GaussianBlur(2.2)).convert("RGB")


SITES: dict[str, Callable[[random.Random, float], Image.Image]] = {
    "harbour": harbour,
    "orchard": orchard,
    "clinic": clinic,
}


def picture(site: str, day: date, name: str, *, moment: float = 0.0) -> Image.Image:
    """One picture of a site.

    :param site: a name in :data:`SITES`
    :param day: the day written into the caption
    :param name: what the picture shows, written into the caption; it also seeds the drawing
    :param moment: 0 to 1, the position within a video
    :returns: an RGB image of 480 x 360 pixels
    """
    rng = random.Random(f"{site}/{day}/{name}")
    return _caption(SITES[site](rng, moment), f"{site}  {day}  {name}")

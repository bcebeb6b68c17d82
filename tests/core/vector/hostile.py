"""Drawings that nobody should let in, and odd ones that are fine; each with a part of what is said of it."""

from __future__ import annotations

SVG = 'xmlns="http://www.w3.org/2000/svg"'


def svg(body: str, attributes: str = 'viewBox="0 0 100 100"') -> bytes:
    """A drawing around something."""
    return f"<svg {SVG} {attributes}>{body}</svg>".encode()


BOX = '<rect width="10" height="10"/>'
BOMB = (
    '<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {two} "{f"&{one};" * 10}">' for one, two in zip("abcdefgh", "bcdefghi", strict=True))
    + f"]><svg {SVG}><path d='&i;'/></svg>"
)

REFUSED: dict[str, tuple[bytes, str]] = {
    "script": (svg("<script>alert(1)</script>" + BOX), "'script'"),
    "handler": (svg('<rect width="1" height="1" onload="alert(1)"/>'), "'onload'"),
    "foreign object": (svg("<foreignObject><p/></foreignObject>" + BOX), "'foreignObject'"),
    "link": (svg(f'<a href="https://example.org">{BOX}</a>'), "'a'"),
    "image": (svg('<image href="file:///etc/passwd" width="9" height="9"/>'), "'image'"),
    "use of a file": (svg('<use href="other.svg#a"/>'), "outside"),
    "animation": (svg('<rect width="1" height="1"><animate attributeName="x"/></rect>'), "'animate'"),
    "paint of a server": (svg('<rect width="1" height="1" fill="url(http://a.b/c#d)"/>'), "outside"),
    "imported style": (svg("<style>@import 'a.css';</style>" + BOX), "outside"),
    "style of a server": (svg('<rect style="fill: u\\rl( https://a.b )" width="1" height="1"/>'), "outside"),
    "doctype": (f"<!DOCTYPE svg><svg {SVG}>{BOX}</svg>".encode(), "document type"),
    "entity of a file": (
        f'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg {SVG}>&x;</svg>'.encode(),
        "document type",
    ),
    "entity bomb": (BOMB.encode(), "document type"),
    "style instruction": (b'<?xml-stylesheet href="a.css"?>' + svg(BOX), "processing instruction"),
    "unknown element": (svg("<rectangle/>" + BOX), "'rectangle'"),
    "truncated": (svg(BOX)[:-9], "whole XML"),
    "other root": (b"<html><svg/></html>", "no svg element"),
    "other name space": (b'<svg xmlns="http://example.org/svg"><rect/></svg>', "no svg element"),
    "no text": (b"", "whole XML"),
    "no XML": (b"\x89PNG\r\n\x1a\n", "whole XML"),
    "unknown encoding": (b'<?xml version="1.0" encoding="rot13"?>' + svg(BOX), "encoding"),
    "too large": (svg(BOX) + b" " * (2 * 1024 * 1024), "bytes"),
    "too many elements": (svg("<g/>" * 6000 + BOX), "elements"),
    "too deep": (svg("<g>" * 3000 + BOX + "</g>" * 3000), "nested"),
    "too many segments": (svg(f'<path d="M0 0{"l1 1" * 4000}"/>'), "segments"),
    "too many points": (svg(f'<polyline points="{"1 2 " * 4000}"/>'), "segments"),
    "uses of uses": (
        svg(
            f'<g id="a0">{BOX}</g>'
            + "".join(f'<g id="a{n + 1}">{f"""<use href="#a{n}"/>""" * 10}</g>' for n in range(7))
        ),
        "too often",
    ),
    "use of itself": (svg('<g id="a"><use href="#a"/></g>'), "within itself"),
    "long chain of uses": (
        svg(f'<g id="a0">{BOX}</g>' + "".join(f'<use id="a{n + 1}" href="#a{n}"/>' for n in range(3000))),
        "nested",
    ),
    "no number": (svg('<path d="M0 0L nan 1"/>'), "can't be read"),
    "infinite": (svg('<path d="M0 0L 1e300 1z"/>'), "bounds"),
    "infinite scale": (svg(f'<g transform="scale(1e9)">{BOX}</g>'), "bounds"),
    "broken path": (svg('<path d="M0 0L1"/>'), "can't be read"),
    "path without a move": (svg('<path d="L1 1"/>'), "move"),
    "bad transform": (svg(f'<g transform="turn(3)">{BOX}</g>'), "transform"),
    "bad length": (svg('<rect width="wide" height="1"/>'), "length"),
    "nothing": (svg("<g/>"), "draws nothing"),
    "text alone": (svg("<text>Hello</text>"), "draws nothing"),
    "all hidden": (svg(f'<g display="none">{BOX}</g>'), "draws nothing"),
}

DRAWN: dict[str, tuple[bytes, list[tuple[int, int, int]]]] = {
    "classes": (
        svg(f"<style>/* . */ .a,.b {{fill:#f00}} rect.b {{fill:#00f}}</style><g class='a'>{BOX}</g>"
            '<rect class="b" width="5" height="5"/>'),
        [(255, 0, 0), (0, 0, 255)],
    ),
    "style beats rule beats attribute": (
        svg('<style>#x{fill:lime}</style><rect id="x" fill="red" width="1" height="1"/>'
            '<rect id="x" style="fill:blue" width="1" height="1"/>'),
        [(0, 255, 0), (0, 0, 255)],
    ),
    "colors": (
        svg("".join(f'<rect width="1" height="1" fill="{color}"/>' for color in (
            "rgb(1, 2, 3)", "rgb(10 20 30 / 50%)", "hsl(120, 100%, 50%)", "#abc", "rebeccapurple", "other"))),
        [(1, 2, 3), (10, 20, 30), (0, 255, 0), (170, 187, 204), (102, 51, 153), (0, 0, 0)],
    ),
    "current color": (
        svg(f'<g color="#123456" fill="currentColor">{BOX}</g>'), [(18, 52, 86)],
    ),
    "gradient": (
        svg('<linearGradient id="g"><stop stop-color="#f00"/><stop style="stop-color:#00f"/></linearGradient>'
            '<rect width="1" height="1" fill="url(#g)"/>'),
        [(128, 0, 128)],
    ),
    "fallback": (svg('<rect width="1" height="1" fill="url(#none) #0f0"/>'), [(0, 255, 0)]),
    "fill and stroke": (
        svg('<rect width="9" height="9" fill="red" stroke="blue"/>'), [(255, 0, 0), (0, 0, 255)],
    ),
    "metadata of an editor": (
        svg('<metadata><rdf:RDF xmlns:rdf="r"><a/><b/></rdf:RDF></metadata>'.replace("<a/>", "<c/>") + BOX
            + '<x:view xmlns:x="http://example.org"><x:grid/></x:view>'),
        [(0, 0, 0)],
    ),
    "prefix": (
        b'<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:rect width="1" height="1" fill="red"/></s:svg>',
        [(255, 0, 0)],
    ),
    "symbol": (
        svg('<symbol id="s" viewBox="0 0 2 2" fill="red"><circle cx="1" cy="1" r="1"/></symbol>'
            '<use href="#s" width="50" height="50"/><use href="#missing"/>'),
        [(255, 0, 0)],
    ),
}  # fmt: skip

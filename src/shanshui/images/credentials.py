"""Content credentials: what a made picture says of its making, and how that is read back.

The picture says that it was made by a trained algorithm in the words that labelling rules ask for: IPTC's digital
source type (https://cv.iptc.org/newscodes/digitalsourcetype/), on which C2PA and the guidance to article 50 of the EU's
AI Act build, and the implicit label of the Chinese standard GB 45438-2025, a field AIGC with one JSON object. Beside
them stands our own record: program, version, model, licence, style, seed, settings. All of it is XMP, which every
format but EXR can hold, and goes into EXIF as well where that can be done without moving what is there.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape, unescape
from typing import Any, Literal, TypeAlias

from PIL import Image

from shanshui.images.metadata import Metadata

Making: TypeAlias = Literal["trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"]
"""IPTC's words for a picture out of nothing, and for one made from a photograph."""

PROGRAM = "Shanshui"

_SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_SOFTWARE, _EXIF_FOLDER, _USER_COMMENT, _MAKER_NOTE = 305, 0x8769, 0x9286, 0x927C
_ASCII_COMMENT = b"ASCII\0\0\0"
_EXIF_PREFIX = b"Exif\0\0"

_ABOUT = re.compile(rb"""\s*<rdf:Description[^>]*\bxmlns:shanshui=.*?</rdf:Description>""", re.DOTALL)
_RECORD = re.compile(rb"<shanshui:record>(.*?)</shanshui:record>", re.DOTALL)
_END = b"</rdf:RDF>"
_EMPTY = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF></x:xmpmeta>\n<?xpacket end="w"?>'
)


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """How a picture was made.

    Attributes:
        version: of the program.
        model: its name.
        licence: of the model, as its card says.
        making: out of nothing, or from a photograph.
        settings: plain values by name: style, seed, strength, ...
    """

    version: str
    model: str
    licence: str
    making: Making
    settings: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain values, with the mark that the picture is AI-generated."""
        return {
            "program": PROGRAM,
            "version": self.version,
            "model": self.model,
            "licence": self.licence,
            "ai_generated": True,
            "digital_source_type": self.making,
            "settings": dict(self.settings),
        }


def stamped(metadata: Metadata, credentials: Credentials) -> Metadata:
    """`metadata` that say how the picture was made; what they said before stays, earlier credentials of ours do not."""
    return replace(
        metadata, xmp=_with_record(metadata.xmp, credentials), exif=_with_comment(metadata.exif, credentials)
    )


def credentials_in(metadata: Metadata) -> dict[str, Any] | None:
    """What `stamped` put into a picture, as plain values; None where there is nothing of it, or it is damaged."""
    found = _RECORD.search(metadata.xmp or b"")
    if found is None:
        return None
    try:
        told = json.loads(unescape(found[1].decode()))
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _with_record(xmp: bytes | None, credentials: Credentials) -> bytes:
    packet = xmp if xmp is not None and _END in xmp else _EMPTY
    before, _, after = _ABOUT.sub(b"", packet).rpartition(_END)
    return before + _description(credentials) + _END + after


def _description(credentials: Credentials) -> bytes:
    told = credentials.as_json()
    # GB 45438-2025, annex E: label 1 says that the content is AI-generated.
    label = {"Label": "1", "ContentProducer": PROGRAM, "ProduceID": credentials.model}
    return f"""<rdf:Description rdf:about=""
 xmlns:shanshui="https://shanshui.invalid/credentials/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/">
<Iptc4xmpExt:DigitalSourceType>{_SOURCE_TYPES}{credentials.making}</Iptc4xmpExt:DigitalSourceType>
<TC260:AIGC>{escape(json.dumps(label), quote=False)}</TC260:AIGC>
<shanshui:record>{escape(json.dumps(told, ensure_ascii=False), quote=False)}</shanshui:record>
</rdf:Description>""".encode()


def _with_comment(exif: bytes | None, credentials: Credentials) -> bytes | None:
    """EXIF with the program's name and the record as its comment.

    A block with maker notes stays as it is: they hold addresses, and writing it anew would move what they point to.
    """
    tags = Image.Exif()
    try:
        if exif is not None:
            tags.load(exif)
        folder = tags.get_ifd(_EXIF_FOLDER)
        if _MAKER_NOTE in folder:
            return exif
        tags[_SOFTWARE] = f"{PROGRAM} {credentials.version}"
        folder[_USER_COMMENT] = _ASCII_COMMENT + json.dumps(credentials.as_json()).encode("ascii")
        return tags.tobytes().removeprefix(_EXIF_PREFIX)
    except Exception:  # noqa: BLE001 - damaged EXIF raises nearly anything, and the record is in XMP, too
        return exif

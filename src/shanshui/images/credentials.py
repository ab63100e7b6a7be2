"""Content credentials: what a made picture says of its making, and how that is read back.

The picture says that it was made by a trained algorithm in the words that labelling rules ask for: IPTC's digital
source type (https://cv.iptc.org/newscodes/digitalsourcetype/), on which C2PA and the guidance to article 50 of the EU's
AI Act build, and the implicit label of the Chinese standard GB 45438-2025, a field AIGC with one JSON object. Beside
them stands our own record: program, version, model, licence, style, seed, settings. All of it is XMP, which every
format but EXR can hold, and goes into EXIF as well where that can be done without moving what is there.
"""

import json
import mmap
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from html import escape, unescape
from pathlib import Path
from typing import Any, Literal, TypeAlias

from PIL import Image

from shanshui import jsontext
from shanshui.errors import ImageError
from shanshui.images.metadata import Metadata

Making: TypeAlias = Literal["trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"]
"""IPTC's words for a picture out of nothing, and for one made from a photograph."""

PROGRAM = "Shanshui"

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
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


def unstamped(metadata: Metadata) -> Metadata:
    """`metadata` without what `stamped` said: it was true of the picture that another one is made from."""
    if metadata.xmp is None or credentials_in(metadata) is None:
        return metadata
    return replace(metadata, xmp=_ABOUT.sub(b"", metadata.xmp), exif=_without_comment(metadata.exif))


def credentials_in(metadata: Metadata) -> dict[str, Any] | None:
    """What `stamped` put into a picture, as plain values; None where there is nothing of it, or it is damaged."""
    return _record_in(metadata.xmp or b"")


def credentials_in_file(path: Path) -> dict[str, Any] | None:
    """The same of a file whose format is not looked at: packets are found by their look (XMP part 3, annex B).

    Raises:
        ImageError: it cannot be read.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _record_in(content)
    except (OSError, ValueError) as error:  # an empty file cannot be mapped
        raise ImageError(f"{path} cannot be read ({error}): check the file and its permissions.") from error


def packet_of(credentials: Credentials) -> bytes:
    """An XMP packet that says nothing else."""
    return _with_record(None, credentials)


def label_of(credentials: Credentials) -> str:
    """The implicit label of GB 45438-2025, annex E: 1 says that the content is AI-generated."""
    return json.dumps({"Label": "1", "ContentProducer": PROGRAM, "ProduceID": credentials.model})


def _record_in(content: "bytes | mmap.mmap") -> dict[str, Any] | None:
    found = _RECORD.search(content)
    if found is None:
        return None
    try:
        told = jsontext.parsed(unescape(found[1].decode()))
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _with_record(xmp: bytes | None, credentials: Credentials) -> bytes:
    packet = xmp if xmp is not None and _END in xmp else _EMPTY
    before, _, after = _ABOUT.sub(b"", packet).rpartition(_END)
    return before + _description(credentials) + _END + after


def _description(credentials: Credentials) -> bytes:
    told = credentials.as_json()
    return f"""<rdf:Description rdf:about=""
 xmlns:shanshui="https://shanshui.invalid/credentials/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/">
<Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPES}{credentials.making}</Iptc4xmpExt:DigitalSourceType>
<TC260:AIGC>{escape(label_of(credentials), quote=False)}</TC260:AIGC>
<shanshui:record>{escape(json.dumps(told, ensure_ascii=False), quote=False)}</shanshui:record>
</rdf:Description>""".encode()


def _with_comment(exif: bytes | None, credentials: Credentials) -> bytes | None:
    """EXIF with the program's name and the record as its comment."""

    def told(tags: Image.Exif) -> None:
        tags[_SOFTWARE] = f"{PROGRAM} {credentials.version}"
        record = json.dumps(credentials.as_json()).encode("ascii")
        tags.get_ifd(_EXIF_FOLDER)[_USER_COMMENT] = _ASCII_COMMENT + record

    return _rewritten(exif, told)


def _without_comment(exif: bytes | None) -> bytes | None:
    def forgotten(tags: Image.Exif) -> None:
        if str(tags.get(_SOFTWARE, "")).startswith(f"{PROGRAM} "):
            del tags[_SOFTWARE]
            tags.get_ifd(_EXIF_FOLDER).pop(_USER_COMMENT, None)

    return None if exif is None else _rewritten(exif, forgotten)


def _rewritten(exif: bytes | None, change: Callable[[Image.Exif], None]) -> bytes | None:
    """EXIF with a change.

    A block with maker notes stays as it is: they hold addresses, and writing it anew would move what they point to.
    """
    tags = Image.Exif()
    try:
        if exif is not None:
            tags.load(exif)
        if _MAKER_NOTE in tags.get_ifd(_EXIF_FOLDER):
            return exif
        change(tags)
        return tags.tobytes().removeprefix(_EXIF_PREFIX)
    except Exception:  # noqa: BLE001 - damaged EXIF raises nearly anything, and the record is in XMP, too
        return exif

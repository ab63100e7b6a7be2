"""Credentials travel with a picture in every format that can hold them, beside what it said before."""

import io
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from shanshui.images.credentials import Credentials, credentials_in, stamped
from shanshui.images.files import Picture, read_picture, write_picture
from shanshui.images.metadata import NONE, Metadata

MADE = Credentials(
    version="0.1.0",
    model="painter",
    licence="Apache-2.0",
    making="compositeWithTrainedAlgorithmicMedia",
    settings={"style": ["monet", '水墨 <ink> & "more"'], "seed": 7},
)
PANORAMA = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" '
    b'GPano:ProjectionType="equirectangular"/></rdf:RDF></x:xmpmeta>'
)


def picture(metadata: Metadata = NONE, dtype: type = np.uint8) -> Picture:
    return Picture(np.full((20, 30, 3), 90, dtype), metadata=stamped(metadata, MADE))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".avif"])
def test_they_come_back_from_every_format(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"made{suffix}"
    write_picture(path, picture())
    told = credentials_in(read_picture(path).metadata)
    assert told == MADE.as_json()
    assert told["ai_generated"] is True
    assert told["settings"]["seed"] == 7


def test_sixteen_bits_have_them_too(tmp_path: Path) -> None:
    write_picture(tmp_path / "made.png", picture(dtype=np.uint16))
    assert credentials_in(read_picture(tmp_path / "made.png").metadata) == MADE.as_json()


def test_what_a_photo_said_before_stays_and_old_credentials_do_not() -> None:
    once = stamped(Metadata(xmp=PANORAMA), MADE)
    again = stamped(once, Credentials(version="9", model="other", licence="x", making="trainedAlgorithmicMedia"))
    assert again.xmp is not None
    assert b"equirectangular" in again.xmp
    assert again.xmp.count(b"<shanshui:record>") == 1
    told = credentials_in(again)
    assert told is not None
    assert told["model"] == "other"


def test_the_packet_is_xml_with_the_words_of_the_labelling_rules() -> None:
    packet = stamped(NONE, MADE).xmp
    assert packet is not None
    body = packet[packet.index(b"<x:xmpmeta") : packet.index(b"</x:xmpmeta>") + len(b"</x:xmpmeta>")]
    texts = {element.tag.rpartition("}")[2]: element.text or "" for element in ElementTree.fromstring(body).iter()}
    assert texts["DigitalSourceType"].endswith("/digitalsourcetype/compositeWithTrainedAlgorithmicMedia")
    assert json.loads(texts["AIGC"])["Label"] == "1"
    assert json.loads(texts["record"])["settings"]["style"][1] == '水墨 <ink> & "more"'


def test_exif_names_the_program_and_keeps_its_other_tags() -> None:
    tags = Image.Exif()
    tags[315] = "A. Photographer"
    exif = stamped(Metadata(exif=tags.tobytes().removeprefix(b"Exif\0\0")), MADE).exif
    read = Image.Exif()
    assert exif is not None
    read.load(exif)
    assert read[315] == "A. Photographer"
    assert read[305] == "Shanshui 0.1.0"
    assert json.loads(read.get_ifd(0x8769)[0x9286][8:]) == MADE.as_json()


def test_maker_notes_are_not_moved() -> None:
    tags = Image.Exif()
    tags.get_ifd(0x8769)[0x927C] = b"notes with addresses"
    exif = tags.tobytes().removeprefix(b"Exif\0\0")
    assert stamped(Metadata(exif=exif), MADE).exif == exif


def test_a_picture_of_others_has_none_of_ours() -> None:
    assert credentials_in(NONE) is None
    assert credentials_in(Metadata(xmp=PANORAMA)) is None
    assert credentials_in(Metadata(xmp=b"<shanshui:record>{damaged</shanshui:record>")) is None
    stream = io.BytesIO()
    Image.new("RGB", (20, 20)).save(stream, "PNG")
    assert credentials_in(read_picture(stream.getvalue()).metadata) is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_viewers_find_them_as_text(dtype: type, tmp_path: Path) -> None:
    write_picture(tmp_path / "made.png", picture(dtype=dtype))
    with Image.open(tmp_path / "made.png") as image:
        image.load()
        assert image.info["Software"] == "Shanshui 0.1.0"
        assert json.loads(image.info["Comment"]) == MADE.as_json()

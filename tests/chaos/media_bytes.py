"""Recordings made byte by byte: what no encoder writes."""

from __future__ import annotations

import array
import functools
import gzip
import io
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

RATE = 16_000


def wav_header(channels: int, rate: int, data_bytes: int) -> bytes:
    """A header of 16-bit PCM with these claims, true or not."""
    frame = channels * 2 & 0xFFFF
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * frame & 0xFFFFFFFF, frame, 16)
    riff = struct.pack("<I", min(36 + data_bytes, 0xFFFFFFFF))
    data = struct.pack("<I", data_bytes)
    return b"RIFF" + riff + b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + data


def wav(pcm: bytes, channels: int = 1) -> bytes:
    """The same sound in every channel."""
    mono = array.array("h", pcm)
    wide = array.array("h", bytes(len(pcm) * channels))
    for channel in range(channels):
        wide[channel::channels] = mono
    return wav_header(channels, RATE, len(wide) * 2) + wide.tobytes()


def _crc(polynomial: int, bits: int) -> Callable[[bytes], int]:
    top, mask = 1 << (bits - 1), (1 << bits) - 1
    table = []
    for byte in range(256):
        value = byte << (bits - 8)
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
        table.append(value)

    def crc(data: bytes) -> int:
        value = 0
        for byte in data:
            value = (value << 8 & mask) ^ table[value >> (bits - 8) ^ byte]
        return value

    return crc


flac_crc8 = _crc(0x07, 8)
flac_crc16 = _crc(0x8005, 16)
ogg_crc = _crc(0x04C11DB7, 32)


def _flac_number(value: int) -> bytes:
    return chr(value).encode("utf-8", "surrogatepass")


def silent_flac(hours: float, extra_blocks: bytes = b"") -> bytes:
    """Frames of 65 seconds in 15 bytes. `extra_blocks` are metadata blocks, none the last."""
    rate, block = 1_000, 65_535
    count = int(hours * 3600 * rate / block)
    packed = rate << 44 | 0 << 41 | 15 << 36 | count * block
    info = struct.pack(">HH", block, block) + bytes(6) + struct.pack(">Q", packed) + bytes(16)
    last = b"\x81" + struct.pack(">I", 0)[1:]  # an empty padding
    out = [b"fLaC\x00" + struct.pack(">I", len(info))[1:] + info + extra_blocks + last]
    for number in range(count):
        head = b"\xff\xf8\x7c\x08" + _flac_number(number) + struct.pack(">HB", block - 1, 1)
        frame = head + bytes([flac_crc8(head)]) + b"\x00\x00\x00"
        out.append(frame + struct.pack(">H", flac_crc16(frame)))
    return b"".join(out)


def _ogg_page(number: int, position: int, packets: list[bytes], flags: int = 0) -> bytes:
    lacing = bytearray()
    for packet in packets:
        lacing += b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])
    head = struct.pack("<4sBBqII", b"OggS", 0, flags, position, 1, number)
    tail = bytes([len(lacing)]) + bytes(lacing) + b"".join(packets)
    return head + struct.pack("<I", ogg_crc(head + bytes(4) + tail)) + tail


def silent_opus(hours: float, comments: int = 0) -> bytes:
    """Packets of 120 ms in two bytes."""
    tags = b"".join(
        struct.pack("<I", len(text)) + text
        for text in (b"CHAPTER%03d=00:00:00.000" % i for i in range(comments))
    )
    header = struct.pack("<8sBBHIHB", b"OpusHead", 1, 1, 0, 48_000, 0, 0)
    body = b"OpusTags" + struct.pack("<I", 0) + struct.pack("<I", comments) + tags
    pages = [_ogg_page(0, 0, [header], 2)]
    if len(body) < 60_000:
        pages.append(_ogg_page(1, 0, [body]))
    else:
        pages += _long_packet(body)
    first = len(pages)
    packets = [b"\x1b\x02"] * 255  # SILK 60 ms, two empty frames
    for page in range(int(hours * 3600 / 30.6) + 1):
        pages.append(_ogg_page(first + page, (page + 1) * 255 * 5_760, packets))
    return b"".join(pages)


def _long_packet(body: bytes) -> list[bytes]:
    """A packet over many pages."""
    pages = []
    whole = 255 * 255
    for number, start in enumerate(range(0, len(body) + 1, whole), 1):
        part = body[start : start + whole]
        lacing = b"\xff" * (len(part) // 255)
        if len(part) < whole:
            lacing += bytes([len(part) % 255])
        head = struct.pack("<4sBBqII", b"OggS", 0, 0 if start == 0 else 1, 0, 1, number)
        tail = bytes([len(lacing)]) + lacing + part
        pages.append(head + struct.pack("<I", ogg_crc(head + bytes(4) + tail)) + tail)
    return pages


def box(name: bytes, *content: bytes) -> bytes:
    """A box of MP4."""
    body = b"".join(content)
    return struct.pack(">I", len(body) + 8) + name + body


def mp4(samples: int, data_reference: bytes, data: bytes, frames_each: int = 1) -> bytes:
    """A sound track of 16-bit PCM with a table that claims `samples` samples."""
    full = bytes(4)
    entry = bytes(6) + struct.pack(">H8sHHHHI", 1, bytes(8), 1, 16, 0, 0, RATE << 16)
    table = box(
        b"stbl",
        box(b"stsd", full, struct.pack(">I", 1), box(b"sowt", entry)),
        box(b"stts", full, struct.pack(">III", 1, samples, frames_each)),
        box(b"stsc", full, struct.pack(">IIII", 1, 1, samples, 1)),
        box(b"stsz", full, struct.pack(">II", 2, samples)),
        box(b"stco", full, struct.pack(">II", 1, 32)),
    )
    reference = box(b"dinf", box(b"dref", full, struct.pack(">I", 1), data_reference))
    media = box(
        b"mdia",
        box(b"mdhd", full, struct.pack(">IIIII", 0, 0, RATE, min(samples, 2**31), 0)),
        box(b"hdlr", full, b"mhlrsoun", bytes(13)),
        box(b"minf", box(b"smhd", full, bytes(4)), reference, table),
    )
    track = box(b"tkhd", struct.pack(">IIIII", 7, 0, 0, 1, 0), bytes(64))
    movie = box(b"mvhd", full, struct.pack(">IIII", 0, 0, 1000, 4000), bytes(80))
    moov = box(b"moov", movie, box(b"trak", track, media))
    return box(b"ftyp", b"qt  ", bytes(4), b"qt  ") + bytes(0) + box(b"mdat", data) + moov


def _avi_stream(kind: bytes, form: bytes, rate: int) -> bytes:
    sample_bytes = 2 if kind.startswith(b"auds") else 0
    head = kind + bytes(12) + struct.pack("<IIIIIII", 1, rate, 0, 4_000, 0, 0, sample_bytes)
    head += bytes(8)
    content = b"strl" + b"strh" + struct.pack("<I", len(head)) + head
    content += b"strf" + struct.pack("<I", len(form)) + form
    return b"LIST" + struct.pack("<I", len(content)) + content


def avi(streams: list[bytes], data: bytes) -> bytes:
    """The streams, and `data` as sound of the last."""
    head = struct.pack("<IIIIIIIIII", 40_000, 0, 0, 0, 100, 0, len(streams), 0, 64, 64) + bytes(16)
    content = b"hdrl" + b"avih" + struct.pack("<I", len(head)) + head + b"".join(streams)
    tag = b"%02dwb" % (len(streams) - 1) if len(streams) <= 100 else b"99wb"
    movie = b"movi" + tag + struct.pack("<I", len(data)) + data
    body = b"AVI " + b"LIST" + struct.pack("<I", len(content)) + content
    body += b"LIST" + struct.pack("<I", len(movie)) + movie
    return b"RIFF" + struct.pack("<I", len(body)) + body


AVI_SOUND = _avi_stream(b"auds" + bytes(4), struct.pack("<HHIIHHH", 1, 1, RATE, 32_000, 2, 16, 0),
                        RATE)  # fmt: skip


def _avi_picture(size: int) -> bytes:
    form = struct.pack("<IiiHHIIiiII", 40, size, size, 1, 24, 0, 0, 0, 0, 0, 0)
    return _avi_stream(b"vidsDIB ", form, 25)


def ebml(element: int, content: bytes) -> bytes:
    """An element of Matroska with a length of eight bytes."""
    name = element.to_bytes((element.bit_length() + 7) // 8, "big")
    return name + struct.pack(">Q", 1 << 56 | len(content)) + content


def _matroska(content: bytes) -> bytes:
    head = ebml(0x1A45DFA3, ebml(0x4282, b"matroska"))
    return head + ebml(0x18538067, content)


def _png(width: int, height: int, zeros: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        length, crc = len(body), zlib.crc32(name + body)
        return struct.pack(">I", length) + name + body + struct.pack(">I", crc)

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(zeros), 9))
    return b"\x89PNG\r\n\x1a\n" + head + pixels + chunk(b"IEND", b"")


def _jpeg(width: int, height: int) -> bytes:
    sof = struct.pack(">BHHBBBBBBBBBB", 8, height, width, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0)
    return b"\xff\xd8\xff\xdb\x00\x43\x00" + b"\x01" * 64 + b"\xff\xc0\x00\x11" + sof + b"\xff\xd9"


def _flac_picture(kind: bytes, picture: bytes) -> bytes:
    block = struct.pack(">II", 3, len(kind)) + kind + bytes(4 * 5)
    block += struct.pack(">I", len(picture)) + picture
    return b"\x06" + struct.pack(">I", len(block))[1:] + block


def _nested(name: bytes, depth: int) -> bytes:
    content = b""
    head = struct.Struct(">I4s")
    parts = [head.pack((depth - level) * 8, name) for level in range(depth)]
    return b"".join(parts) + content


def _nested_ebml(element: int, depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = ebml(element, content)
    return content


def _id3_chapters(count: int) -> bytes:
    def safe(value: int) -> bytes:
        return bytes(value >> shift & 0x7F for shift in (21, 14, 7, 0))

    frames = []
    for number in range(count):
        body = b"c%d\x00" % number + bytes(8) + b"\xff" * 8
        frames.append(b"CHAP" + safe(len(body)) + bytes(2) + body)
    body = b"".join(frames)
    return b"ID3\x04\x00\x00" + safe(len(body)) + body


def bombs() -> dict[str, Callable[[bytes], bytes]]:
    """Files of at most a few megabytes that ask for much more, from four seconds of PCM."""
    here = box(b"url ", struct.pack(">I", 1))
    cover = functools.partial(silent_flac, 0.02)
    tracks = ebml(0xAE, ebml(0xD7, b"\x01") + ebml(0x83, b"\x02") + ebml(0x86, b"A_PCM/INT/LIT"))
    return {
        "huge-frame.avi": lambda pcm: avi([_avi_picture(65_535), AVI_SOUND], pcm),
        "many-streams.avi": lambda pcm: avi([AVI_SOUND] * 5_000, pcm),
        "many-streams.mkv": lambda pcm: _matroska(ebml(0x1654AE6B, tracks * 100_000)),
        "huge-cover-png.flac": lambda pcm: cover(
            _flac_picture(b"image/png", _png(65_535, 65_535, 100_000_000))
        ),
        "large-cover-png.flac": lambda pcm: cover(
            _flac_picture(b"image/png", _png(8_000, 8_000, 256_008_000))
        ),
        "huge-cover-jpeg.flac": lambda pcm: cover(
            _flac_picture(b"image/jpeg", _jpeg(65_500, 65_500))
        ),
        "claims-samples.mp4": lambda pcm: mp4(0x7FFFFFFF, here, pcm),
        "stretched.mp4": lambda pcm: mp4(len(pcm) // 2, here, pcm, 0x7FFFFFFF),
        "deep-moov.mp4": lambda pcm: box(b"ftyp", b"isom", bytes(4)) + _nested(b"moov", 100_000),
        "deep-udta.mp4": lambda pcm: box(b"ftyp", b"isom", bytes(4)) + _nested(b"udta", 100_000),
        "deep-tags.mkv": lambda pcm: _matroska(ebml(0x1254C367, _nested_ebml(0x67C8, 3_000))),
        "deep-chapters.mkv": lambda pcm: _matroska(ebml(0x1043A770, _nested_ebml(0xB6, 3_000))),
        "chapters.mp3": lambda pcm: _id3_chapters(60_000) + bytes(1000),
        "comments.opus": lambda pcm: silent_opus(0.01, 100_000),
    }


def chapters(count: int) -> str:
    """FFmpeg's text of so many chapters of a few microseconds."""
    lines = [";FFMETADATA1"]
    for number in range(count):
        lines += ["[CHAPTER]", "TIMEBASE=1/1000000", f"START={number * 40}",
                  f"END={number * 40 + 40}", f"title=c{number}"]  # fmt: skip
    return "\n".join(lines)


def not_media() -> dict[str, bytes]:
    """Files that are no recordings at all, and beginnings of such."""
    noise = random.Random(1961).randbytes(65_536)
    zipped, archived = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("a.wav", wav_header(1, RATE, 0))
    with tarfile.open(fileobj=archived, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.wav"))
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
    return {
        "noise.mp4": noise,
        "noise.mp3": noise[:20_000],
        "one-byte.wav": b"R",
        "zeros.wav": bytes(1_000_000),
        "ones.mp3": b"\xff" * 1_000_000,
        "text.txt": b"four score and seven years ago\n" * 100,
        "page.html": b"<!doctype html><title>x</title>" * 50,
        "data.json": b'{"a": [1, 2, 3]}' * 50,
        "program.mp4": b"\x7fELF\x02\x01\x01" + bytes(4_000),
        "document.pdf": b"%PDF-1.7\n" + noise[:4_000],
        "picture.png": _png(16, 16, 16 * 65),
        "picture.jpg": _jpeg(16, 16),
        "picture.gif": b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
        "drawing.svg": svg,
        "archive.zip": zipped.getvalue(),
        "archive.tar": archived.getvalue(),
        "packed.wav.gz": gzip.compress(wav_header(1, RATE, 64_000) + bytes(64_000), mtime=0),
        "database.mp4": b"SQLite format 3\x00" + bytes(4_000),
        "only-ftyp.mp4": box(b"ftyp", b"isom", bytes(4)),
        "only-ebml.mkv": ebml(0x1A45DFA3, ebml(0x4282, b"webm")),
        "only-flac.flac": b"fLaC",
        "only-ogg.ogg": b"OggS",
        "only-riff.wav": b"RIFF\x00\x00\x00\x00WAVE",
        "only-id3.mp3": b"ID3\x04\x00\x00\x00\x00\x00\x00",
        "claims-atom.mp4": struct.pack(">I4sQ", 1, b"mdat", 2**63) + bytes(64),
        "endless-atom.mp4": box(b"ftyp", b"isom", bytes(4)) + struct.pack(">I4s", 0, b"moov"),
    }


def _alias(path: str) -> bytes:
    """QuickTime's record of another file."""
    name = path.encode()
    record = bytes(4) + struct.pack(">HH", 150, 2) + bytes(142)
    record += struct.pack(">HH", 2, len(name)) + name + bytes(len(name) % 2)
    return record + struct.pack(">HH", 0xFFFF, 0)


def playlists(port: int, file: str) -> dict[str, bytes]:
    """Files that send their reader to a host, a port or another file."""
    host = f"http://127.0.0.1:{port}"
    hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{host}/a.ts\n#EXT-X-ENDLIST\n"
    key = f'#EXT-X-KEY:METHOD=AES-128,URI="{host}/key"\n'
    local = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
    sdp = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    sdp += f"m=audio {port} RTP/AVP 0\n"
    mpd = (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
        f"<BaseURL>{host}/</BaseURL><Period><AdaptationSet><Representation id='a' bandwidth='1'>"
        "<SegmentList><SegmentURL media='a.mp4'/></SegmentList></Representation></AdaptationSet>"
        "</Period></MPD>"
    )
    url = box(b"url ", bytes(4), f"{host}/a.mov\0".encode())
    texts = {
        "hls.m3u8": hls,
        "hls.mp4": hls,
        "hls-key.m3u8": hls.replace("#EXTINF", key + "#EXTINF"),
        "hls-master.m3u8": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{host}/b.m3u8\n",
        "hls-local.m3u8": local,
        "hls-concat.m3u8": local.replace("file:///etc/passwd", f"concat:{file}|{host}/b"),
        "hls-crypto.m3u8": local.replace("file:///etc/passwd", f"crypto+{host}/b"),
        "hls-metadata.m3u8": local.replace("file:///etc/passwd", "http://169.254.169.254/latest"),
        "list.m3u": f"{host}/a.mp3\n{file}\n",
        "list.pls": f"[playlist]\nNumberOfEntries=1\nFile1={host}/a.mp3\n",
        "list.asx": f'<asx version="3"><entry><ref href="{host}/a.wma"/></entry></asx>',
        "list.xspf": f"<playlist><trackList><track><location>{host}/a</location></track>"
        "</trackList></playlist>",
        "list.ram": f"rtsp://127.0.0.1:{port}/a.rm\n",
        "cue.cue": f'FILE "{file}" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
        "concat.ffconcat": f"ffconcat version 1.0\nfile {file}\n",
        "concat-host.txt": f"ffconcat version 1.0\nfile {host}/a.wav\n",
        "concat.mp3": f"ffconcat version 1.0\nfile '{file}'\nfile '/etc/passwd'\n",
        "session.sdp": sdp,
        "session.mp4": sdp,
        "dash.mpd": mpd,
        "reference.rtsp": f"[Reference]\nRef1={host}/a.asf\n",
        "script.avs": f'WavSource("{file}")\n',
        "subtitles.ass": f"[Script Info]\n[Fonts]\nfontname: {host}/font.ttf\n[Events]\n",
        "composition.xml": '<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra'
        f'.org/schemas/2067-3/2016"><Id>x</Id><EditRate>25 1</EditRate><a>{host}</a>'
        "</CompositionPlaylist>",
        "metadata.txt": f";FFMETADATA1\ntitle={host}\n",
        "jv.txt": f"{host}/%d.wav\n",
    }
    out = {name: text.encode() for name, text in texts.items()}
    out["reference-host.mov"] = mp4(64_000, url, b"")
    out["reference-file.mov"] = mp4(64_000, box(b"alis", bytes(4), _alias(file)), b"")
    segment = ebml(0x3C83AB, file.encode()) + ebml(0x3EB923, bytes(16))  # previous file and its id
    out["linked.mkv"] = _matroska(ebml(0x1549A966, segment))
    return out

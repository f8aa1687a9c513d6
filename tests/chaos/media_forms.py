"""Recordings of every form: what FFmpeg writes, what recorders break, what attackers make.

Each form says what reading it must end in. The sound is four seconds of the inaugural address, so
that what comes out can be compared with what went in.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import pathlib
import subprocess
from collections.abc import Callable, Iterator

from tests.chaos import media_bytes as craft
from tests.chaos.media_child import ROOT, Expected

SPEECH = ROOT / "samples/demo/inaugural.wav"
SAMPLES = ROOT / "samples/media"
SPEECH_MS = 4_000
RATE = 16_000

Make = Callable[["Workshop", pathlib.Path], None]


@dataclasses.dataclass(frozen=True)
class Form:
    """A file to be made, and what reading it must end in."""

    name: str  # with the extension
    make: Make
    expected: Expected


class Workshop:
    """Makes files with ffmpeg; `speech` is the four seconds as WAV, `port` a listener's."""

    def __init__(self, folder: pathlib.Path, port: int = 9) -> None:
        self.folder = folder
        self.port = port
        self.speech = folder / "speech.wav"
        self.ffmpeg("-ss", "0.3", "-i", SPEECH, "-t", "4", "-ar", RATE, "-ac", "1", self.speech)
        self.pcm = self.speech.read_bytes()[-SPEECH_MS * RATE // 1000 * 2 :]

    def ffmpeg(self, *arguments: object) -> None:
        """Runs ffmpeg quietly; an error is one."""
        command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-bitexact", "-threads", "1"]
        done = subprocess.run(
            [*command, *map(str, arguments)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"ffmpeg {arguments}: {done.stderr[-300:]}")


def _encoded(codec: str, *options: object) -> Make:
    def make(shop: Workshop, path: pathlib.Path) -> None:
        strict = ("-strict", "-2")
        shop.ffmpeg("-i", shop.speech, "-c:a", codec, *strict, *options, path)

    return make


def _with_picture(codec: str, *options: object) -> Make:
    def make(shop: Workshop, path: pathlib.Path) -> None:
        picture = ("-f", "lavfi", "-i", "testsrc=size=160x120:rate=10:duration=4")
        map_both = ("-map", "0:v", "-map", "1:a", "-c:a", codec, "-strict", "-2")
        shop.ffmpeg(*picture, "-i", shop.speech, *map_both, *options, path)

    return make


def _bytes(content: bytes | Callable[[Workshop], bytes]) -> Make:
    def make(shop: Workshop, path: pathlib.Path) -> None:
        path.write_bytes(content(shop) if callable(content) else content)

    return make


def _sound(**changes: object) -> Expected:
    return dataclasses.replace(Expected(SPEECH_MS), **changes)


def _refused(*reasons: str) -> Expected:
    return Expected(reasons=frozenset(f"media_{reason}" for reason in reasons))


# Encoder, and the options without which it refuses; NUT takes them all.
HEARD = {
    **{name: () for name in ("aac", "ac3", "eac3", "flac", "mp2", "libmp3lame")},
    **{name: () for name in ("wavpack", "libopus", "libspeex", "g722")},
    **{name: () for name in ("adpcm_ima_wav", "adpcm_ms", "libtwolame", "libshine", "ac3_fixed")},
    **{f"pcm_{name}": () for name in ("alaw", "mulaw", "s8", "u8", "f32be", "f32le", "f64be")},
    **{f"pcm_{name}": () for name in ("f64le", "s16be", "s16le", "s24be", "s24le", "s32be")},
    **{f"pcm_{name}": () for name in ("s32le", "s64be", "s64le", "u16be", "u16le", "u24be")},
    **{f"pcm_{name}": () for name in ("u24le", "u32be", "u32le", "s16le_planar", "s16be_planar")},
    **{f"pcm_{name}": () for name in ("s24le_planar", "s32le_planar", "s8_planar")},
    "libvorbis": (),
    "dca": ("-ar", "48000", "-ac", "2"),
    "adpcm_swf": ("-ar", "44100"),
    "adpcm_yamaha": (),
    "g723_1": ("-ar", "8000"),
    "libgsm_ms": ("-ar", "8000"),
    "vorbis": ("-ac", "2"),
    "opus": ("-ar", "48000"),
}
UNHEARD = {
    "comfortnoise": (),
    "dfpwm": (),
    "sonic": (),
}
# Codecs of telephones and toys are far from the original.
ROUGH = {"adpcm_swf": 0.85, "g723_1": 0.85, "real_144": 0.8, "nellymoser": 0.85, "vorbis": 0.8}

CONTAINERS = {
    "mp4": ("aac", "ac3", "eac3", "alac", "libmp3lame", "flac", "libopus"),
    "mov": ("aac", "alac", "pcm_s16le", "pcm_s24be", "pcm_mulaw", "adpcm_ima_qt"),
    "m4a": ("aac", "alac"),
    "3gp": ("aac",),
    "3g2": ("aac",),
    "f4v": ("aac",),
    "ismv": ("aac",),
    "mkv": ("aac", "ac3", "flac", "libmp3lame", "libopus", "libvorbis", "pcm_s16le", "tta"),
    "mka": ("wavpack", "alac", "mp2", "pcm_f32le"),
    "webm": ("libopus", "libvorbis"),
    "ogg": ("libvorbis", "libopus", "flac", "libspeex"),
    "avi": ("pcm_s16le", "libmp3lame", "ac3", "adpcm_ms", "mp2"),
    "asf": ("wmav1", "wmav2", "pcm_s16le"),
    "flv": ("aac", "libmp3lame", "libspeex"),
    "ts": ("aac", "mp2", "libmp3lame", "ac3", "eac3"),
    "mpg": ("mp2", "ac3", "libmp3lame"),
    "vob": ("mp2", "ac3"),
    "w64": ("pcm_s16le", "pcm_f32le"),
    "wav": ("pcm_s16le", "pcm_u8", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le"),
    "aiff": ("pcm_s16be", "pcm_s24be", "pcm_f32be"),
    "au": ("pcm_s16be", "pcm_mulaw", "pcm_alaw", "pcm_f32be"),
    "caf": ("pcm_s16be", "alac", "adpcm_ima_qt", "pcm_f32le"),
    "voc": ("pcm_u8", "pcm_s16le", "pcm_alaw"),
    "aac": ("aac",),
    "mp3": ("libmp3lame",),
    "mp2": ("mp2",),
    "ac3": ("ac3",),
    "eac3": ("eac3",),
    "flac": ("flac",),
    "tta": ("tta",),
    "wv": ("wavpack",),
    "rm": ("ac3",),
}
# Their sound needs the rates and channels of broadcasting, or a picture beside it.
BROADCAST = {
    "dv.dv": ("pcm_s16le", "-c:v", "dvvideo", "-s", "720x576", "-pix_fmt", "yuv420p", "-r", "25",
              "-ar", "48000", "-ac", "2"),
    "mxf.mxf": ("pcm_s16le", "-c:v", "mpeg2video", "-r", "25", "-ar", "48000"),
    "mpeg4.avi": ("libmp3lame", "-c:v", "mpeg4"),
    "h264.mp4": ("aac", "-c:v", "libx264", "-preset", "ultrafast"),
    "hevc.mp4": ("aac", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=0"),
    "vp8.webm": ("libvorbis", "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"),
    "theora.ogv": ("libvorbis", "-c:v", "libtheora"),
    "flv1.flv": ("libmp3lame", "-c:v", "flv", "-ar", "44100"),
    "wmv2.wmv": ("wmav2", "-c:v", "wmv2"),
    "rv20.rm": ("ac3", "-c:v", "rv20", "-s", "176x144"),
    "prores.mov": ("pcm_s16le", "-c:v", "prores"),
    "ffv1.mkv": ("flac", "-c:v", "ffv1"),
    "mjpeg.mov": ("alac", "-c:v", "mjpeg"),
    "mpeg1.mpg": ("mp2", "-c:v", "mpeg1video", "-r", "25"),
    "mpeg2.vob": ("ac3", "-c:v", "mpeg2video", "-r", "25"),
    "mpeg2.ts": ("mp2", "-c:v", "mpeg2video", "-r", "25"),
    "gif.mov": ("aac", "-c:v", "qtrle"),
    "h261.mkv": ("aac", "-c:v", "h261", "-s", "176x144", "-r", "30"),
    "snow.mkv": ("aac", "-c:v", "snow", "-strict", "-2"),  # no decoder allowed: sound alone
}  # fmt: skip
NOT_RECORDINGS = {
    "adx.adx": "adpcm_adx",
    "sox.sox": "pcm_s32le",
    "ircam.sf": "pcm_s16le",
    "rso.rso": "pcm_u8",
    "mmf.mmf": "adpcm_yamaha",
    "kvag.vag": "adpcm_ima_ssi",
    "ast.ast": "pcm_s16be_planar",
    "apm.apm": "adpcm_ima_apm",
}
# Headerless sound and pictures by name alone: never guessed at.
RAW = ("s16le", "mulaw", "g722", "sbc")


def codecs() -> Iterator[Form]:
    """Every encoder in NUT."""
    for codec, options in HEARD.items():
        like = ROUGH.get(codec, 0.9)
        yield Form(f"{codec}.nut", _encoded(codec, *options), _sound(likeness=like))
    for codec, options in UNHEARD.items():
        refused = _refused("decode_failed", "unreadable", "bad_sample_rate", "empty", "no_audio")
        yield Form(f"unheard-{codec}.nut", _encoded(codec, *options), refused)


def containers() -> Iterator[Form]:
    """Every container that recordings come in, with the codecs that it is known for."""
    for extension, names in CONTAINERS.items():
        for codec in names:
            options: tuple[object, ...] = ()
            if extension in ("flv", "rm", "adts"):
                options = ("-ar", "44100") if codec != "libspeex" else ()
            if extension in ("mpg", "vob", "ts"):
                options = ("-ar", "48000")
            yield Form(f"{codec}.{extension}", _encoded(codec, *options), _sound())
    for name, (codec, *options) in BROADCAST.items():
        yield Form(f"with-{name}", _with_picture(codec, *options), _sound())
    # Without a time of its own in the container, the silence before it stays.
    yield Form("aac.avi", _encoded("aac"), _sound(tolerance_ms=200))
    yield Form("latm.latm", _encoded("aac", "-f", "latm"), _sound())
    yield Form("truehd.thd", _encoded("truehd", "-ar", "48000", "-ac", "2"), _sound())
    yield Form("dts.dts", _encoded("dca", "-ar", "48000", "-ac", "2"), _sound())
    for codec in ("mlp", "truehd"):
        yield Form(f"{codec}.mkv", _encoded(codec, "-ar", "48000", "-ac", "2"), _sound())
    for name, codec in (("toy.flv", "nellymoser"), ("phone.mkv", "real_144")):
        make = _encoded(codec, "-ar", "8000")
        yield Form(name, make, _sound(likeness=ROUGH[codec]))
    yield Form("rf64.wav", _encoded("pcm_s16le", "-rf64", "always"), _sound())
    yield Form("mp3.wav", _encoded("libmp3lame", "-ar", "44100"), _sound())
    yield Form("g726.wav", _encoded("g726", "-ar", "8000"), _sound())
    yield Form("gsm.wav", _encoded("libgsm_ms", "-ar", "8000"), _sound())
    for name, codec in NOT_RECORDINGS.items():
        options = ("-ar", "22050") if codec in ("adpcm_ima_ssi", "adpcm_yamaha") else ()
        yield Form(f"strange-{name}", _encoded(codec, *options), _refused("unreadable"))
    for name in RAW:
        codec = {"mulaw": "pcm_mulaw", "g722": "g722", "sbc": "sbc"}.get(name, "pcm_s16le")
        make = _encoded(codec, "-f", name)
        # Noise may look like frames of MPEG sound; then it must not be taken for speech.
        expected = _refused("unreadable", "decode_failed", "no_audio", "empty")
        yield Form(f"raw-{name}.bin", make, expected)


def channels_and_rates() -> Iterator[Form]:
    """1 to 64 channels, and rates from a telephone's to a laboratory's."""
    for channels in (1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 63, 64):
        make = _bytes(lambda shop, n=channels: craft.wav(shop.pcm, channels=n))
        yield Form(f"channels-{channels}.wav", make, _sound(tolerance_ms=1, likeness=0.98))
    for channels, reason in ((0, "decode_failed"), (65, "too_many_channels"), (65_535, "")):
        reasons = ("too_many_channels", "unreadable", "decode_failed", "empty", "no_audio")
        make = _bytes(lambda shop, n=channels: craft.wav_header(n, RATE, 64_000) + shop.pcm)
        yield Form(f"channels-{channels}.wav", make, _refused(*((reason,) if reason else reasons)))
    for rate in (1_000, 4_000, 8_000, 11_025, 12_345, 22_050, 37_800, 44_099, 48_000, 96_000,
                 192_000, 384_000):  # fmt: skip
        like = 0.6 if rate < 4_000 else 0.9
        make = _encoded("pcm_s16le", "-ar", rate)
        yield Form(f"rate-{rate}.wav", make, _sound(tolerance_ms=2, likeness=like))
    for rate in (0, 1, 999, 768_001, 2_147_483_647, 4_294_967_295):
        make = _bytes(lambda shop, r=rate: craft.wav_header(1, r, 128_000) + shop.pcm)
        expected = _refused("bad_sample_rate", "unreadable", "decode_failed", "empty")
        yield Form(f"rate-{rate}.wav", make, expected)


def _faststart(shop: Workshop, path: pathlib.Path) -> None:
    _with_picture("aac", "-c:v", "mpeg4", "-movflags", "faststart")(shop, path)


def _fragmented(shop: Workshop, path: pathlib.Path) -> None:
    flags = ("-movflags", "frag_keyframe+empty_moov", "-g", "5")
    _with_picture("aac", "-c:v", "mpeg4", *flags)(shop, path)


def _edit_list(shop: Workshop, path: pathlib.Path) -> None:
    long = shop.folder / f"{path.stem}-whole.m4a"
    shop.ffmpeg("-i", SPEECH, "-c:a", "aac", long)
    shop.ffmpeg("-ss", "0.3", "-i", long, "-t", "4", "-c", "copy", path)


def _variable_rate(shop: Workshop, path: pathlib.Path) -> None:
    choose = "select='not(mod(n,3))+lt(n,9)'"
    _with_picture("aac", "-c:v", "mpeg4", "-vf", choose, "-vsync", "vfr")(shop, path)


def _negative(shop: Workshop, path: pathlib.Path) -> None:
    keep = ("-output_ts_offset", "-1", "-avoid_negative_ts", "disabled")
    shop.ffmpeg("-i", shop.speech, "-c:a", "flac", *keep, path)


def _wrapping(shop: Workshop, path: pathlib.Path) -> None:
    offset = ("-output_ts_offset", "95441.7", "-ar", "48000")  # 33 bits of 90 kHz, less 2 s
    shop.ffmpeg("-i", shop.speech, "-c:a", "mp2", *offset, path)


def _backward(shop: Workshop, path: pathlib.Path) -> None:
    half = shop.folder / f"{path.stem}-half.ts"
    for start in ("0", "2"):
        options = ("-ss", start, "-i", shop.speech, "-t", "2", "-ar", "48000", "-c:a", "mp2")
        shop.ffmpeg(*options, half)
        with path.open("ab") as joined:
            joined.write(half.read_bytes())


def _tracks(count: int) -> Make:
    def make(shop: Workshop, path: pathlib.Path) -> None:
        shop.ffmpeg("-i", shop.speech, *("-map", "0:a") * count, "-c:a", "pcm_s16le", path)

    return make


def _cover_only(shop: Workshop, path: pathlib.Path) -> None:
    picture = ("-f", "lavfi", "-i", "testsrc=size=64x64", "-frames:v", "1", "-c:v", "png")
    shop.ffmpeg(*picture, "-disposition:v", "attached_pic", path)


def _encrypted(shop: Workshop, path: pathlib.Path) -> None:
    key = "0123456789abcdef0123456789abcdef"
    scheme = ("-encryption_scheme", "cenc-aes-ctr", "-encryption_key", key)
    shop.ffmpeg("-i", shop.speech, "-c:a", "aac", *scheme, "-encryption_kid", key, path)


def _subtitles(shop: Workshop, path: pathlib.Path) -> None:
    text = shop.folder / f"{path.stem}.srt"
    text.write_text("1\n00:00:00,000 --> 00:00:03,000\n<font face='http://x/'>words\n")
    shop.ffmpeg("-i", shop.speech, "-i", text, "-c:a", "aac", "-c:s", "ass", path)


def shapes() -> Iterator[Form]:
    """What recorders, editors and networks make of a file."""
    yield Form("faststart.mp4", _faststart, _sound())
    yield Form("fragmented.mp4", _fragmented, _sound(tolerance_ms=200))
    yield Form("edit-list.m4a", _edit_list, _sound(tolerance_ms=200))
    yield Form("variable-rate.mp4", _variable_rate, _sound())
    yield Form("negative.mkv", _negative, Expected(SPEECH_MS, tolerance_ms=1_100))
    yield Form("wrapping.ts", _wrapping, _sound())
    yield Form("backward.ts", _backward, _sound(warnings=frozenset({"timestamps_jump_backward"}),
                                               tolerance_ms=250, likeness=0.7))  # fmt: skip
    yield Form("tracks-10.mkv", _tracks(10), _sound())
    yield Form("tracks-64.mkv", _tracks(64), _sound())
    yield Form("tracks-70.mkv", _tracks(70), _refused("too_many_streams"))
    yield Form("cover-only.mkv", _cover_only, _refused("no_audio"))
    yield Form("cover-only.m4a", _cover_only, _refused("no_audio", "unreadable"))
    yield Form("encrypted.mp4", _encrypted, _refused("encrypted"))
    yield Form("subtitles.mkv", _subtitles, _sound())


def names_and_cuts() -> Iterator[Form]:
    """Files of the wrong name, files cut anywhere, samples that are refused."""
    for name in ("flac.flac", "wav.txt", "mp4.jpg", "opus.mp3", "mp3.exe", "webm"):
        codec = {"wav": "pcm_s16le", "mp4": "aac", "opus": "libopus", "mp3": "libmp3lame",
                 "webm": "libopus", "flac": "flac"}[name.split(".")[0]]  # fmt: skip
        muxer = name.split(".", maxsplit=1)[0]
        yield Form(f"name-{name}", _encoded(codec, "-f", muxer), _sound())
    for sample, expected in {
        "no_index.mp4": _refused("unreadable"),
        "video_only.mp4": _refused("no_audio"),
        "encrypted.mp4": _refused("encrypted"),
    }.items():
        data = (SAMPLES / sample).read_bytes()
        yield Form(f"sample-{sample}", _bytes(data), expected)
    reasons = frozenset({"media_unreadable", "media_empty", "media_decode_failed"})
    for tenth in range(1, 10):
        for kind, codec in (("mp3", "libmp3lame"), ("mkv", "libopus"), ("flac", "flac"),
                            ("ogg", "libvorbis")):  # fmt: skip
            expected = Expected(
                tenth * SPEECH_MS // 10,
                reasons if tenth < 5 else frozenset(),
                tolerance_ms=1_300,  # a page of Ogg holds a second
                likeness=None,
            )
            yield Form(f"cut-{tenth}0.{kind}", _cut(kind, codec, tenth / 10), expected)


def _cut(kind: str, codec: str, share: float) -> Make:
    def make(shop: Workshop, path: pathlib.Path) -> None:
        whole = path.with_suffix(f".whole.{kind}")
        shop.ffmpeg("-i", shop.speech, "-c:a", codec, whole)
        data = whole.read_bytes()
        whole.unlink()
        path.write_bytes(data[: int(len(data) * share)])

    return make


def headers() -> Iterator[Form]:
    """Files whose header lies, and files that are nothing."""
    claims = {
        "half-an-hour": (RATE * 2 * 1_800, _sound(warnings=frozenset({"truncated"}))),
        "without-end": (0xFFFFFFFF, Expected(SPEECH_MS)),
        "nothing": (0, Expected(SPEECH_MS, frozenset({"media_empty", "media_unreadable",
                                                      "media_decode_failed"}))),
        "odd": (127_999, _sound()),
    }  # fmt: skip
    for name, (size, expected) in claims.items():
        make = _bytes(lambda shop, n=size: craft.wav_header(1, RATE, n) + shop.pcm)
        yield Form(f"claims-{name}.wav", make, expected)
    nothing = _refused("unreadable", "empty", "no_audio", "decode_failed")
    for name, data in craft.not_media().items():
        yield Form(f"not-{name}", _bytes(data), nothing)
    yield Form("zero.wav", _bytes(b""), _refused("empty"))
    yield Form("header-alone.wav", _bytes(craft.wav_header(1, RATE, 0)), nothing)


def playlists() -> Iterator[Form]:
    """Files that name other files and hosts: none is opened."""
    refused = _refused("unreadable", "no_audio", "decode_failed", "empty")
    # Its sound is looked for in the file itself: what is there instead is noise of its own bytes.
    other = dataclasses.replace(refused, duration_ms=16, tolerance_ms=16, likeness=None)
    for name in craft.playlists(0, ""):
        make = _bytes(lambda shop, n=name: craft.playlists(shop.port, str(shop.speech))[n])
        expected = other if name == "reference-host.mov" else refused
        yield Form(f"playlist-{name}", make, expected)


def bombs() -> Iterator[Form]:
    """Small files that ask for much."""
    long = _refused("too_long", "resource")
    yield Form("bomb-100-hours.flac", _bytes(craft.silent_flac(100)), long)
    yield Form("bomb-100-hours.ogg", _bytes(craft.silent_opus(100)), long)

    def gaps(shop: Workshop, path: pathlib.Path) -> None:
        stretch = "asetnsamples=4000,asetpts=PTS*10000"
        shop.ffmpeg("-i", shop.speech, "-af", stretch, "-c:a", "flac", path)

    yield Form("bomb-gaps.mkv", gaps, long)
    any_end = Expected(SPEECH_MS, frozenset(f"media_{reason}" for reason in (
        "unreadable", "too_large_frame", "resource", "too_many_streams", "no_audio",
        "decode_failed", "empty")), likeness=None)  # fmt: skip
    for name, content in craft.bombs().items():
        make = _bytes(lambda shop, c=content: c(shop.pcm))
        covered = dataclasses.replace(any_end, duration_ms=65_535)
        yield Form(f"bomb-{name}", make, covered if "cover" in name else any_end)

    def chapters(shop: Workshop, path: pathlib.Path) -> None:
        text = shop.folder / f"{path.stem}.txt"
        text.write_text(craft.chapters(100_000))
        shop.ffmpeg("-i", shop.speech, "-i", text, "-map_metadata", "1", "-c:a", "flac", path)

    yield Form("bomb-chapters.mkv", chapters, any_end)


def all_forms() -> list[Form]:
    """Every form, by unique name."""
    written = (codecs, containers, channels_and_rates, shapes, names_and_cuts)
    forms = [form for part in (*written, headers, playlists, bombs) for form in part()]
    names = [form.name for form in forms]
    assert len(set(names)) == len(names), "two forms of one name"
    return forms


def make_all(shop: Workshop, forms: list[Form]) -> dict[pathlib.Path, Form]:
    """Makes the files, several at a time."""

    def one(form: Form) -> tuple[pathlib.Path, Form]:
        path = shop.folder / f"form-{form.name}"
        form.make(shop, path)
        return path, form

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return dict(pool.map(one, forms))

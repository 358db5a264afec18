"""Small real files of every kind that the demo registers, each written by a library that owns its format."""

from __future__ import annotations

import gzip
import io
import math
import random
import struct
import wave
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time

import av
import nibabel
import numpy as np
import pydicom
from fpdf import FPDF
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from demo.scenes import picture

_CT_SIZE = 128
_CT_SLICE_MM = 5.0


def encode_picture(image: Image.Image, suffix: str) -> bytes:
    """A picture as ``jpeg``, ``png`` or ``webp``."""
    buffer = io.BytesIO()
    image.save(buffer, format=suffix, **({} if suffix == "png" else {"quality": 82}))
    return buffer.getvalue()


def video(site: str, day: date, name: str, *, frames: int = 24, fps: int = 12) -> bytes:
    """An H.264 film in MP4 of a site, ``frames`` pictures long at ``fps`` pictures a second."""
    buffer = io.BytesIO()
    with av.open(buffer, mode="w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "crf": "28"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for index in range(frames):
            image = picture(site, day, name, moment=index / frames).resize((320, 240))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()


def sound(name: str, *, seconds: float = 1.0, rate: int = 8000) -> bytes:
    """A ship's horn as 16-bit mono WAV."""
    pitch = random.Random(name).uniform(90, 160)
    samples = (
        math.sin(math.pi * i / (seconds * rate))
        * sum(math.sin(math.tau * pitch * n * i / rate) / n for n in (1, 2, 3))
        for i in range(int(seconds * rate))
    )
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", int(sample * 12000)) for sample in samples))
    return buffer.getvalue()


def document(title: str, day: date, lines: Sequence[str]) -> bytes:
    """A PDF page with a title and some lines."""
    pdf = FPDF()
    pdf.set_creation_date(datetime.combine(day, time(12), tzinfo=UTC))
    pdf.add_page()
    pdf.set_font("helvetica", style="B", size=18)
    pdf.cell(text=title, new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("helvetica", size=11)
    for line in lines:
        pdf.multi_cell(0, 8, text=line, new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())


def _phantom(slices: int, seed: str) -> Iterator[np.ndarray]:
    """Slices of an invented body: an ellipse with two lungs, a spine and a nodule, in Hounsfield units."""
    rng = np.random.default_rng(list(seed.encode()))
    y, x = np.mgrid[-1 : 1 : _CT_SIZE * 1j, -1 : 1 : _CT_SIZE * 1j]
    side = rng.choice((-1, 1))
    for index in range(slices):
        size = 0.8 + 0.2 * math.sin(math.pi * (index + 1) / (slices + 1))
        body = np.full((_CT_SIZE, _CT_SIZE), -1000.0)
        body[(x / (0.85 * size)) ** 2 + (y / (0.62 * size)) ** 2 < 1] = 40
        for lung in (-1, 1):
            body[((x - lung * 0.38) / (0.27 * size)) ** 2 + (y / (0.42 * size)) ** 2 < 1] = -820
        body[(x / 0.1) ** 2 + ((y - 0.42) / 0.1) ** 2 < 1] = 700
        if index == slices // 2:
            body[((x - side * 0.38) / 0.06) ** 2 + ((y + 0.1) / 0.06) ** 2 < 1] = 90
        yield body + rng.normal(0, 14, body.shape)


def dicom_series(name: str, day: date, *, slices: int) -> list[bytes]:
    """A CT series, one DICOM file for each slice from feet to head."""
    study, series = generate_uid(entropy_srcs=[name, "study"]), generate_uid(entropy_srcs=[name, "series"])
    files = []
    for index, pixels in enumerate(_phantom(slices, name)):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[name, str(index)])
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        scan = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        scan.SOPClassUID, scan.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        scan.StudyInstanceUID, scan.SeriesInstanceUID = study, series
        scan.PatientID, scan.PatientName, scan.Modality = f"DEMO-{name[-4:]}", "Demo^Phantom", "CT"
        scan.StudyDate, scan.SeriesNumber, scan.InstanceNumber = day.strftime("%Y%m%d"), 1, index + 1
        scan.ImagePositionPatient = [-160.0, -160.0, index * _CT_SLICE_MM]
        scan.ImageOrientationPatient = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
        scan.SliceThickness, scan.PixelSpacing = _CT_SLICE_MM, [2.5, 2.5]
        scan.Rows, scan.Columns, scan.SamplesPerPixel = _CT_SIZE, _CT_SIZE, 1
        scan.PhotometricInterpretation, scan.PixelRepresentation = "MONOCHROME2", 1
        scan.BitsAllocated, scan.BitsStored, scan.HighBit = 16, 16, 15
        scan.RescaleIntercept, scan.RescaleSlope = 0, 1
        scan.WindowCenter, scan.WindowWidth = -100, 1400
        scan.PixelData = pixels.astype("<i2").tobytes()
        buffer = io.BytesIO()
        pydicom.dcmwrite(buffer, scan, enforce_file_format=True)
        files.append(buffer.getvalue())
    return files


def nifti(name: str, *, slices: int = 8) -> bytes:
    """The same kind of invented body as one compressed NIfTI volume."""
    volume = np.stack(list(_phantom(slices, name)), axis=-1).astype(np.int16)
    image = nibabel.Nifti1Image(volume, np.diag([2.5, 2.5, _CT_SLICE_MM, 1.0]))  # type: ignore[no-untyped-call]
    return gzip.compress(image.to_bytes(), mtime=0)

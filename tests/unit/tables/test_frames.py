import pytest

from encord_provider.exceptions import MetadataTableError, MetadataValueError
from encord_provider.schema import parse_schema
from encord_provider.tables import Sampling, read_frames, with_frames

TABLE = "key,frame,weather,score\nv.mp4,10,sun,1\nv.mp4,2,rain,\nw.mp4,2.5,sun,\n"


def test_metadata_of_frames_is_found_by_object_and_frame():
    frames = read_frames(TABLE, source="frames.csv")
    assert {frame: row.metadata for frame, row in frames.get("v.mp4").items()} == {
        "10": {"weather": "sun", "score": "1"},
        "2": {"weather": "rain"},
    }
    assert list(frames.get("w.mp4")) == ["2.5"]
    assert frames.get("none") == {}
    assert len(frames) == 3


def test_frames_key_frames_and_sampling_stand_beside_the_metadata_of_the_video():
    frames = read_frames(TABLE, source="frames.csv").get("v.mp4")
    schema = parse_schema({"weather": {"type": "enum", "options": ["sun", "rain"]}, "score": "number"})
    metadata = with_frames(
        {"site": "oslo", "keyframes": [5]},
        sampling=Sampling(sampling_rate=0, keyframe_mode="frame"),
        frames=frames,
        schema=schema,
    )
    assert metadata == {
        "site": "oslo",
        "keyframes": [5],
        "$encord": {
            "config": {"sampling_rate": 0, "keyframe_mode": "frame"},
            "frames": {"2": {"weather": "rain"}, "10": {"weather": "sun", "score": 1}},
        },
    }
    assert list(metadata["$encord"]["frames"]) == ["2", "10"]


def test_what_the_block_already_holds_is_kept():
    metadata = {"$encord": {"config": {"keyframe_mode": "seconds"}, "other": 1}}
    assert with_frames(metadata, sampling=Sampling(sampling_rate=2)) == {
        "$encord": {"config": {"keyframe_mode": "seconds", "sampling_rate": 2}, "other": 1}
    }


def test_nothing_given_adds_nothing():
    assert with_frames({"a": 1}, sampling=Sampling()) == {"a": 1}


def test_a_value_of_a_frame_that_does_not_fit_names_its_line():
    frames = read_frames("key,frame,score\nv.mp4,1,high\n", source="frames.csv").get("v.mp4")
    with pytest.raises(
        MetadataValueError, match=r"frames.csv, line 2, row 'v.mp4': 'score' must be a number"
    ):
        with_frames({}, frames=frames, schema=parse_schema({"score": "number"}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("key,frame,x\nv,1,a\nv,1.0,b\n", "line 3, row 'v': frame 1 already has a row on line 2"),
        (
            "key,frame,x\nv,,a\n",
            "line 2, row 'v': the column 'frame' must hold a frame number or second, got None",
        ),
        ("key,frame,x\nv,-1,a\n", "got '-1'"),
        ("key,frame,x\nv,first,a\n", "got 'first'"),
        ("key,frame,x\nv,nan,a\n", "got 'nan'"),
        ("key,x\nv,a\n", "must hold a frame number or second, got None"),
    ],
)
def test_a_row_without_a_frame_is_named(text, message):
    with pytest.raises(MetadataTableError) as caught:
        read_frames(text, source="frames.csv")
    assert message in str(caught.value)


@pytest.mark.parametrize("rate", [-1, True, "1", float("nan")])
def test_an_impossible_sampling_rate_is_refused(rate):
    with pytest.raises(MetadataValueError, match="sampling_rate must be a number from 0"):
        Sampling(sampling_rate=rate)


def test_an_unknown_keyframe_mode_is_refused():
    with pytest.raises(MetadataValueError, match="keyframe_mode must be 'frame' or 'seconds', got 'second'"):
        Sampling(keyframe_mode="second")

import datetime as dt
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from encord_provider.listing import ListedObject, in_key_order

OBJECTS = st.builds(
    ListedObject,
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6),
    st.none() | st.integers(0, 2**40),
    st.none() | st.datetimes(timezones=st.just(dt.UTC)),
    st.none() | st.just("STANDARD"),
    st.none() | st.just("e"),
)


@given(objects=st.lists(OBJECTS, max_size=20))
def test_objects_come_in_the_order_in_which_s3_lists_them(objects):
    found = list(in_key_order(objects))
    assert [one.key for one in found] == sorted((one.key for one in objects), key=str.encode)
    assert Counter(found) == Counter(objects)

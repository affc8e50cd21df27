"""What a managed method is called, from the strings in its event."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.etl.texts import method_name
from tests.etl.traces import SIGNATURES
from tests.twins import etl_names


def text(*strings: str) -> bytes:
    """The strings as they stand in an event, with the runtime's number behind them."""
    return b"".join(each.encode("utf-16-le", "surrogatepass") + b"\0\0" for each in strings) + b"\x09\0"


@pytest.mark.parametrize(
    ("expected", "strings"),
    [
        ("A.B.M()", ("A.B", "M", "void  ()")),
        ("A.B.M(String[],int32)", ("A.B", "M", "void  (class System.String[],int32)")),
        ("A.B..ctor(DateTime,bool&)", ("A.B", ".ctor", "instance void  (value class System.DateTime,bool&)")),
        (
            "L`1[System.__Canon].Add(!0,Func`2<!!0,KeyValuePair`2<String,int32>>)",
            (
                "L`1[System.__Canon]",
                "Add",
                "instance generic !0  (!0,class System.Func`2<!!0,value class"
                " System.Collections.Generic.KeyValuePair`2<class System.String,int32>>)",
            ),
        ),
        ("A+<>c.<M>b__0(B+<>c__D0)", ("A+<>c", "<M>b__0", "instance void  (class X.Y.B+<>c__D0)")),
        ("A.M(int32[0...,0...],unsigned int8*,...)", ("A", "M", "vararg void  (int32[0...,0...],unsigned int8*,...)")),
        ("A.M(pMT&,pMT)", ("A", "M", "int  (pMT: 093FF280&,pMT: 0000021A04BC5D30)")),
        ("dynamicClass.IL_STUB_PInvoke(int)", ("dynamicClass", "IL_STUB_PInvoke", "void  (int)")),
        ("<Module>.main(void*)", ("<Module>", "main", "void(void*)")),
        ("A.M(method void *(int32))", ("A", "M", "method int32 *(bool)  (method void *(int32))")),
        ("main()", ("", "main", "void  ()")),
        ("A.M", ("A", "M", "")),
        ("A.Grüße(Straße)", ("A", "Grüße", "void  (class Ä.Straße)")),
        ("A.\\u0001(\\uE000)", ("A", "\x01", "void  (class \ue000)")),
        (None, ("A", "", "void  ()")),
        (None, ("A", "M")),
        (None, ("A", "\ud800", "void  ()")),
    ],
)
def test_names(expected: str | None, strings: tuple[str, ...]) -> None:
    assert expected == method_name(text(*strings))
    assert expected == etl_names.method_name(text(*strings))


TYPES = st.recursive(
    st.sampled_from(
        ["int32", "!!0", "class System.String", "value class A.B+<>c", "pMT: 0A1b2C", "unsigned int8", "_a"]
    ),
    lambda inner: st.one_of(
        inner.map(lambda of: of + "[]"),
        inner.map(lambda of: of + "&"),
        inner.map(lambda of: of + "[0...,0...]"),
        st.lists(inner, min_size=1, max_size=2).map(lambda of: f"class System.Func`{len(of)}<{','.join(of)}>"),
    ),
    max_leaves=4,
)


@given(
    st.lists(TYPES, max_size=3).map(lambda types: f"instance void  ({','.join(types)})") | st.sampled_from(SIGNATURES)
)
def test_arguments_are_as_the_twin_writes_them(signature: str) -> None:
    content = text("A.B", "M", signature)

    assert etl_names.method_name(content) == method_name(content)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_name_or_none(content: bytes) -> None:
    name = method_name(content)

    assert etl_names.method_name(content) == name
    assert name is None or (name.isprintable() and name)

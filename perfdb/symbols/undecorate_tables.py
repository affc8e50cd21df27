"""The letters of Microsoft's decorated names: operators, special names, built-in types, calling conventions.

Microsoft does not publish the scheme; it is described by Agner Fog, "Calling conventions", chapter 8, and by LLVM,
whose `llvm-undname` the tests compare with. Spellings are those of `UnDecorateSymbolName`.
"""

from __future__ import annotations

from collections.abc import Mapping

OPERATORS: Mapping[str, str] = {
    "2": "operator new",
    "3": "operator delete",
    "4": "operator=",
    "5": "operator>>",
    "6": "operator<<",
    "7": "operator!",
    "8": "operator==",
    "9": "operator!=",
    "A": "operator[]",
    "C": "operator->",
    "D": "operator*",
    "E": "operator++",
    "F": "operator--",
    "G": "operator-",
    "H": "operator+",
    "I": "operator&",
    "J": "operator->*",
    "K": "operator/",
    "L": "operator%",
    "M": "operator<",
    "N": "operator<=",
    "O": "operator>",
    "P": "operator>=",
    "Q": "operator,",
    "R": "operator()",
    "S": "operator~",
    "T": "operator^",
    "U": "operator|",
    "V": "operator&&",
    "W": "operator||",
    "X": "operator*=",
    "Y": "operator+=",
    "Z": "operator-=",
    "_0": "operator/=",
    "_1": "operator%=",
    "_2": "operator>>=",
    "_3": "operator<<=",
    "_4": "operator&=",
    "_5": "operator|=",
    "_6": "operator^=",
    "_D": "`vbase destructor'",
    "_E": "`vector deleting destructor'",
    "_F": "`default constructor closure'",
    "_G": "`scalar deleting destructor'",
    "_H": "`vector constructor iterator'",
    "_I": "`vector destructor iterator'",
    "_J": "`vector vbase constructor iterator'",
    "_K": "`virtual displacement map'",
    "_L": "`eh vector constructor iterator'",
    "_M": "`eh vector destructor iterator'",
    "_N": "`eh vector vbase constructor iterator'",
    "_O": "`copy constructor closure'",
    "_T": "`local vftable constructor closure'",
    "_U": "operator new[]",
    "_V": "operator delete[]",
    "__A": "`managed vector constructor iterator'",
    "__B": "`managed vector destructor iterator'",
    "__C": "`eh vector copy constructor iterator'",
    "__D": "`eh vector vbase copy constructor iterator'",
    "__G": "`vector copy constructor iterator'",
    "__H": "`vector vbase copy constructor iterator'",
    "__I": "`managed vector vbase copy constructor iterator'",
    "__L": "operator co_await",
    "__M": "operator<=>",
}
"""What follows `?` in a name, but for constructors (0), destructors (1), conversions (B) and literals (__K)."""

TABLES: Mapping[str, str] = {
    "?_7": "`vftable'",
    "?_8": "`vbtable'",
    "?_S": "`local vftable'",
    "?_R4": "`RTTI Complete Object Locator'",
}
"""Data of a class that may say for which of its bases it is; the key follows the first `?` of the symbol."""

UNTYPED: Mapping[str, str] = {
    "?_R2": "`RTTI Base Class Array'",
    "?_R3": "`RTTI Class Hierarchy Descriptor'",
}
"""Data of a class that has no type."""

BUILT_IN_TYPES: Mapping[str, str] = {
    "X": "void",
    "C": "signed char",
    "D": "char",
    "E": "unsigned char",
    "F": "short",
    "G": "unsigned short",
    "H": "int",
    "I": "unsigned int",
    "J": "long",
    "K": "unsigned long",
    "M": "float",
    "N": "double",
    "O": "long double",
    "_J": "__int64",
    "_K": "unsigned __int64",
    "_N": "bool",
    "_P": "auto",
    "_Q": "char8_t",
    "_S": "char16_t",
    "_T": "decltype(auto)",
    "_U": "char32_t",
    "_W": "wchar_t",
}

TAGS: Mapping[str, str] = {"T": "union ", "U": "struct ", "V": "class ", "W": "enum "}

QUALIFIERS: Mapping[str, str] = {"A": "", "B": " const", "C": " volatile", "D": " const volatile"}
"""Of what a pointer points to, or of a member function's object. `Q` to `T` are the same, of a pointer to a member."""

MEMBER_QUALIFIERS: Mapping[str, str] = dict(zip("QRST", QUALIFIERS.values(), strict=True))

POINTERS: Mapping[str, str] = {"A": "&", "P": "*", "Q": "* const", "R": "* volatile", "S": "* const volatile"}

CALLING_CONVENTIONS: Mapping[str, str] = {
    letter: text
    for letters, text in (
        ("AB", "__cdecl"),
        ("CD", "__pascal"),
        ("EF", "__thiscall"),
        ("GH", "__stdcall"),
        ("IJ", "__fastcall"),
        ("MN", "__clrcall"),
        ("OP", "__eabi"),
        ("Q", "__vectorcall"),
        ("S", "__attribute__((__swiftcall__))"),
        ("W", "__attribute__((__swiftasynccall__))"),
    )
    for letter in letters
}

MEMBER, STATIC, ADJUSTED = "member", "static", "adjusted"

FUNCTION_KINDS: Mapping[str, str] = {
    letter: kind
    for letters, kind in (("ABEFIJMNQRUV", MEMBER), ("CDKLSTYZ", STATIC), ("GHOPWX", ADJUSTED))
    for letter in letters
}
"""Whether a function has an object, and whether it is a thunk that moves the pointer to it by a fixed amount.

The letters come in pairs of near and far, for private, protected and public: plain, static, virtual, adjusting.
"""

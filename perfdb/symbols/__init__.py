r"""Names for addresses, on any system: from a profile's modules and RVAs to functions, source files and lines.

    path         where to look: `srv*cache*server;C:\build`      locate, download  the right symbol file, or none
    pdb, dwarf   one symbol file: RVAs in, inline chains out     symcache, lookup  what was looked up, kept by debug id
    undecorate   linker names to C++ names                       canonical         one form of a name per function
    resolve      Profile in, Profile out

Everything here takes paths and profiles and gives values; `purepdb` and `symbolic` are known here only.
"""

r"""Names for addresses, on any system: from a profile's modules and RVAs to functions, source files and lines.

    resolve      Profile in, Profile out                         lookup      one module's RVAs in, its chains out
    path         where to look: `srv*cache*server;C:\build`      identity    debug ids, and whose file one is
    locate       the right symbol file or none, with             pdb, pdb_*  one PDB, its touched object modules only
                 folders (builds, stores), download, web         dwarf, elf  one ELF file, by its build id
    table        what is known of a symbol file                  symcache    tables kept by debug id
    canonical    one form of a name per function, with           kept        what stays with a run of its names
                 undecorate (the linker's names)

Everything here takes paths and profiles and gives values; `purepdb` and `symbolic` are known here only.
"""

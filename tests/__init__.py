"""The tests of perfdb, in the folders of the package; a package itself so that `tests.twins` can be imported."""

// A module with no source yet still has a library.

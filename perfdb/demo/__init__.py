"""A worked example, made on the spot: a small git repository, a dozen traces, and the commands one would type.

etl_spec, etl_writer   real `.etl` bytes from a declaration of what the trace is to hold; they also serve the tests
indexer                the program that the traces show: a C++ indexer whose database layer dominates
story                  the repository, the traces, the recording, the diff
"""

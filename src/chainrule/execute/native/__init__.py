"""The native executor: plans as machine code, through LLVM.

`scalars` writes arithmetic, `kernels` writes loops, `program` writes whole programs, `compiler`
turns the text into functions, `run` calls them.
"""

"""Matrix products as LLVM text."""
from __future__ import annotations
from dataclasses import dataclass
from chainrule.execute.native.gemm_nest import *
from chainrule.execute.native.gemm_dot import *
from chainrule.execute.native.gemm_text import Target
@dataclass(frozen=True, slots=True)
class GemmText:
    text: str
    scratch: int
    declarations: tuple[str, ...]

def write_tiny(text, op, unroll):
    el=text.element; v=Vector(el,1)
    def one(i,j):
        a=text.address(op.a, text.multiply(i, 1 if op.transpose_a else op.k)); sa=op.m if op.transpose_a else 1
        b=text.address(op.b, text.multiply(j, op.k if op.transpose_b else 1)); sb=1 if op.transpose_b else op.n
        def st(k,s):
            x=text.value(f"load {el}, ptr {text.address(a,text.multiply(k,sa))}, align 4")
            y=text.value(f"load {el}, ptr {text.address(b,text.multiply(k,sb))}, align 4")
            return [text.call(el,f"llvm.fma.f{8*BYTES[el]}",(el,x),(el,y),(el,s[0]))]
        if unroll and isinstance(op.k,int):
            s=["0.0"]
            for k in range(op.k): s=st(k,s)
        else: s=text.loop(0,op.k,1,st,[(el,"0.0")])
        text.line(f"store {el} {s[0]}, ptr {text.address(op.c,text.add(text.multiply(i,op.n),j))}, align 4")
    def row(i,_):
        if unroll:
            for j in range(op.n): one(i,j)
        else: text.loop(0,op.n,1,lambda j,_:(one(i,j),[])[1])
        return []
    text.loop(0,op.m,1,row)

ELEMENTS = {"float32": "float", "float64": "double"}
def gemm(name, dtype, m, n, k, *, transpose_a, transpose_b, accumulate=False, target, epilogue=None, tiling=None, mode="tile", lanes=8):
    element = ELEMENTS[dtype]
    text = Text(element, fused=target.fused)
    M,N,K = ("%size" if x is None else x for x in (m,n,k))
    op = Operands("%a","%b","%c",M,N,K,transpose_a,transpose_b,accumulate)
    if mode=="tile": 
        Nest(text, op, tiling, epilogue).write(); sc=sum(tiling.scratch(element))
    elif mode=="dot":
        write_dot(text,op,lanes,target.registers); sc=dot_scratch(element,lanes,op)
    else: write_tiny(text,op,mode=="tinyu"); sc=0
    text.line("ret void")
    args = ["ptr noalias %a","ptr noalias %b","ptr noalias %c","i64 %size","ptr %scratch", *(epilogue.arguments if epilogue else ())]
    return GemmText(f'define internal void @{name}({", ".join(args)}) noinline "prefer-vector-width"="{target.vector_bits}" {{\nentry:\n{text.body}\n}}\n', sc, tuple(sorted(text.declarations)))

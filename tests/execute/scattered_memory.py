"""Link objects where no two pages of memory lie near each other; run by `test_linker`.

Prints the result of the linked function, which is 2 * 2.5 + 1.5. Free memory is left in single
pages, each 3 GiB from the next, in which a linker that asks for code and constants one after the
other gets them farther apart than an instruction can reach.
"""

from __future__ import annotations

import ctypes
import mmap
import sys

from chainrule.execute.native.compiler import Library, Unit, compiled

PROGRAM = """declare double @plus(double)
define void @program(ptr %x) {
  %v = load double, ptr %x
  %y = fmul double %v, 2.5
  %z = call double @plus(double %y)
  store double %z, ptr %x
  ret void
}"""

PLUS = """define double @plus(double %x) {
  %y = fadd double %x, 1.5
  ret double %y
}"""

PAGE, APART, HOLES = mmap.PAGESIZE, 3 << 30, 64
NORESERVE = 0x4000  # Linux: addresses alone, no memory


def scatter() -> None:
    """Take all addresses but single pages."""
    system = ctypes.CDLL(None, use_errno=True)
    system.mmap.restype = ctypes.c_void_p
    system.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    system.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NORESERVE

    def take(size: int) -> int:
        address: int = system.mmap(None, size, 0, flags, -1, 0)
        return address

    begin = take(HOLES * APART)
    while take(PAGE) > begin:  # Linux fills the gaps from above
        pass
    for i in range(1, HOLES):
        system.munmap(begin + i * APART, PAGE)
    one, other = take(PAGE), take(PAGE)
    if abs(one - other) < 2 << 30:
        raise RuntimeError(f"memory is not scattered: pages at {one:#x} and {other:#x}")


def main() -> None:
    """Compile, scatter, link, run."""
    objects = compiled([Unit(PROGRAM), Unit(PLUS)])
    if sys.platform == "linux":  # where others put memory is not known to us
        scatter()
    value = ctypes.c_double(2.0)
    function = Library(list(objects.values()), ["program"]).function("program", ctypes.c_void_p)
    function(ctypes.addressof(value))
    print(value.value)


if __name__ == "__main__":
    main()

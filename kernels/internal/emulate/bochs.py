"""Calls assembly routines of a Go program on an emulated processor (Bochs), for machines that lack its instructions.

    python bochs.py PROGRAM

PROGRAM is a statically linked Go program for amd64. Each line of standard input is a call, {"routine": ADDRESS, "args": [...]}:
an argument is a number, or {"data": BASE64} for a pointer to these bytes. The answer is a line too: {"data": [BASE64, ...]},
the bytes of each pointer afterwards, or {"error": TEXT}.

Arguments go in registers and then on the stack, as Go functions take them (ABIInternal). Each buffer ends where an unmapped page begins, so that a
routine which reads or writes beyond it faults. Needs the package bochscpu-python.
"""

import base64
import ctypes
import json
import os
import struct
import sys

import bochscpu
import bochscpu.cpu
import bochscpu.memory as memory

PAGE = 4096
STACK, STACK_SIZE = 0x1_0000_0000, 64 << 10
HALT = 0x1_8000_0000  # where routines return to: a page of HLT
SLOTS, SLOT, SLOT_SIZE = 8, 0x2_0000_0000, 1 << 20  # buffers, with unmapped pages between them
PML4 = 0x100_0000
FIRST_FRAME = 0x1000_0000
G = 0x1_4000_0000  # a goroutine whose stack has no end, all zeros: functions look at its stack guard
ARGUMENTS = ("rax", "rbx", "rcx", "rdi", "rsi", "r8", "r9", "r10", "r11")


def newest_model():
    """Makes the processor that Bochs will build a Sapphire Rapids, for AVX512_BF16, AVX512_VNNI and AVX_VNNI.

    The package offers no choice of model: its own, a Cannon Lake, has only the first extensions. Both are in the library, so
    the one's constructor is overwritten with a jump to the other's: MOV RAX, address; JMP RAX.
    """
    library = ctypes.CDLL(bochscpu._bochscpu.__file__)
    used, wanted = (
        ctypes.cast(getattr(library, name), ctypes.c_void_p).value
        for name in ("_Z23create_corei3_cnl_cpuidP8BX_CPU_C", "_Z28create_sapphire_rapids_cpuidP8BX_CPU_C")
    )
    if ctypes.CDLL(None).mprotect(ctypes.c_void_p(used & -PAGE), 2 * PAGE, 7):
        raise OSError("mprotect of the emulator's code")
    ctypes.memmove(used, b"\x48\xb8" + struct.pack("<Q", wanted) + b"\xff\xe0", 12)


class Machine:
    def __init__(self, program):
        newest_model()
        self.pages, self.tables = {}, memory.PageMapLevel4Table()
        self.load(open(program, "rb").read())
        self.map(STACK, STACK_SIZE)
        self.map(G, PAGE)
        self.write(G + PAGE - 8, struct.pack("<Q", G))
        self.map(HALT, PAGE)
        self.write(HALT, b"\xf4" * PAGE)
        for i in range(SLOTS):
            self.map(self.slot(i), SLOT_SIZE)
        for host, frame in self.tables.commit(PML4):
            memory.page_insert(frame, host)

        # One session and one hook for all calls: freeing either is fatal.
        self.session, self.hook, self.faults = bochscpu.Session(), bochscpu.Hook(), []
        self.session.missing_page_handler = self.missing
        self.hook.exception = self.exception
        self.hook.hlt = lambda session, _: session.stop()

    def exception(self, session, _, vector, code):
        self.faults.append(f"exception {vector}, code {code}, at {session.cpu.state.rip:#x}, address {session.cpu.state.cr2:#x}")
        session.stop()

    def missing(self, frame):
        self.faults.append(f"no memory at {frame:#x}")
        memory.page_insert(memory.align_address_to_page(frame), memory.allocate_host_page())
        self.session.stop()

    def load(self, elf):
        (at,), (n,) = struct.unpack_from("<Q", elf, 32), struct.unpack_from("<H", elf, 56)
        for i in range(n):
            kind, _, offset, address, _, size, whole, _ = struct.unpack_from("<IIQQQQQQ", elf, at + 56 * i)
            if kind == 1:
                self.map(address, whole)
                self.write(address, elf[offset : offset + size])

    @staticmethod
    def slot(i):
        return SLOT + i * 2 * SLOT_SIZE

    def map(self, address, size):
        for page in range(address & -PAGE, address + size, PAGE):
            if page not in self.pages:
                frame = FIRST_FRAME + PAGE * len(self.pages)
                self.pages[page] = memory.allocate_host_page()
                memory.page_insert(frame, self.pages[page])
                self.tables.insert(page, frame, 7)

    def pieces(self, address, size):
        while size > 0:
            page = address & -PAGE
            n = min(page + PAGE - address, size)
            yield self.pages[page] + address - page, n
            address, size = address + n, size - n

    def write(self, address, data):
        done = 0
        for host, n in self.pieces(address, len(data)):
            ctypes.memmove(host, data[done : done + n], n)
            done += n

    def read(self, address, size):
        return b"".join(ctypes.string_at(host, n) for host, n in self.pieces(address, size))

    def call(self, routine, args):
        words, buffers = [], []
        for a in args:
            if isinstance(a, dict):
                data = base64.b64decode(a["data"])
                if len(data) > SLOT_SIZE or len(buffers) == SLOTS:
                    raise ValueError(f"a buffer of {len(data)} bytes, {len(buffers)} before it: too many or too large")
                at = self.slot(len(buffers)) + SLOT_SIZE - len(data)
                self.write(at, data)
                buffers.append((at, len(data)))
                words.append(at)
            else:
                words.append(a)
        self.run(routine, words)
        return [base64.b64encode(self.read(at, n)).decode() for at, n in buffers]

    def run(self, routine, words):
        state = bochscpu.State()
        bochscpu.cpu.set_long_mode(state)
        state.cr0 &= ~(1 << 16)  # the tables say read-only: write all the same
        state.cr3 = PML4
        state.cr4 |= 1 << 9 | 1 << 10 | 1 << 18  # OSFXSR, OSXMMEXCPT, OSXSAVE
        state.xcr0 = 0xE7  # x87, SSE, AVX, AVX-512
        state.mxcsr = 0x1F80
        state.rflags = 2
        state.rsp = STACK + STACK_SIZE // 2
        state.rip = routine
        state.r14 = G
        for register, word in zip(ARGUMENTS, words, strict=False):
            setattr(state, register, word & (1 << 64) - 1)
        above = [HALT] + [word & (1 << 64) - 1 for word in words[len(ARGUMENTS) :]]
        self.write(state.rsp, struct.pack(f"<{len(above)}Q", *above))
        state.cs = segment(0x10, 0xA09B, 0)
        state.ds = state.es = state.ss = state.gs = segment(0x18, 0xC093, 0)
        state.fs = segment(0x18, 0xC093, G + PAGE)  # where Go keeps the current goroutine, at -8

        self.faults.clear()
        self.session.cpu.state = state
        self.session.run([self.hook])
        if self.faults:
            raise RuntimeError(self.faults[0])


def segment(selector, attributes, base):
    s = bochscpu.Segment()
    s.present, s.selector, s.attr, s.base, s.limit = True, selector, attributes, base, 0xFFFFFFFF
    return s


def main():
    machine = Machine(sys.argv[1])
    for line in sys.stdin:
        try:
            request = json.loads(line)
            answer = {"data": machine.call(request["routine"], request["args"])}
        except Exception as e:  # the test that asked reports it
            answer = {"error": str(e)}
        print(json.dumps(answer), flush=True)
    os._exit(0)  # without the destructors of the emulator


main()

"""Write placeholder.raw: one MiB, with a boot sector that says what it is and stops.

Run it in this folder to get the same bytes again: `python make_placeholder.py`. The sector is
written by hand, so that every byte can be read here: 16-bit code that the BIOS loads at 0x7c00,
prints a text through interrupt 0x10, and halts.
"""

from pathlib import Path

SIZE_BYTES = 1024 * 1024
SECTOR_BYTES = 512
LOAD_ADDRESS = 0x7C00
PARTITION_TABLE_AT = 446

TEXT = (
    "\r\nThis is the placeholder image of the reference city.\r\n"
    "It boots, so the path from the site directory to the machine works.\r\n"
    "It is no operating system: put your golden image in its place.\r\n"
)


def boot_code(text_address: int) -> bytes:
    """Return the machine code that prints the text at `text_address` and halts."""
    return b"".join(
        (
            b"\xfa",  # cli            no interrupts while the stack moves
            b"\x31\xc0",  # xor ax, ax
            b"\x8e\xd8",  # mov ds, ax     all segments at 0
            b"\x8e\xd0",  # mov ss, ax
            b"\xbc\x00\x7c",  # mov sp, 7c00h  the stack grows down from the code
            b"\xfb",  # sti
            b"\xfc",  # cld            lodsb walks upwards
            b"\xbe" + text_address.to_bytes(2, "little"),  # mov si, text
            b"\xac",  # next: lodsb
            b"\x84\xc0",  # test al, al    a zero byte ends the text
            b"\x74\x09",  # jz stop
            b"\xb4\x0e",  # mov ah, 0eh    BIOS: write one character
            b"\xbb\x07\x00",  # mov bx, 7      page 0, grey
            b"\xcd\x10",  # int 10h
            b"\xeb\xf2",  # jmp next
            b"\xf4",  # stop: hlt
            b"\xeb\xfd",  # jmp stop       an interrupt wakes hlt; sleep again
        )
    )


def partition() -> bytes:
    """Return one active partition that takes the rest of the disk.

    Glance refuses a raw image with a boot signature but no partition ("failed safety checks").
    """
    first, count = 1, SIZE_BYTES // SECTOR_BYTES - 1
    head, tail = b"\x80\x00\x02\x00", b"\x83\x00\x02\x00"  # active; type Linux; CHS unused
    return head + tail + first.to_bytes(4, "little") + count.to_bytes(4, "little")


def image() -> bytes:
    """Return the whole disk."""
    text_address = LOAD_ADDRESS + len(boot_code(0))
    sector = boot_code(text_address) + TEXT.encode("ascii") + b"\0"
    if len(sector) > PARTITION_TABLE_AT:
        raise ValueError("the text reaches into the partition table: shorten it")
    sector = (sector.ljust(PARTITION_TABLE_AT, b"\0") + partition()).ljust(SECTOR_BYTES - 2, b"\0")
    # The last two bytes of the sector tell the BIOS that it may be booted.
    return (sector + b"\x55\xaa").ljust(SIZE_BYTES, b"\0")


if __name__ == "__main__":
    (Path(__file__).parent / "placeholder.raw").write_bytes(image())

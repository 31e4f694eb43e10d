"""A command on a terminal: what it shows, and what is typed there that nobody has typed.

usage: escape-terminal.py screen|keys COMMAND…

screen: the terminal's lines when the command has ended, as somebody sees them; a control that
is none of pawl's own (colours, taking its live lines away) ends it with a message. keys: what
lies in the terminal's input when the command has ended; standard input is typed before.
"""
import fcntl
import os
import pty
import re
import struct
import sys
import termios

mode, command = sys.argv[1], sys.argv[2:]
typed = sys.stdin.buffer.read() if mode == "keys" else b""
pid, master = pty.fork()
if pid == 0:
    os.environ.update(TERM="xterm-256color")
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))
    if mode == "screen":
        os.execvp(command[0], command)
    status = os.spawnvp(os.P_WAIT, command[0], command)
    termios.tcsetattr(0, termios.TCSANOW, [0, 0, 0, 0, 0, 0, [b"\0"] * 32])
    waiting = struct.unpack("i", fcntl.ioctl(0, termios.FIONREAD, b"\0" * 4))[0]
    print(f"\nkeys: {os.read(0, waiting) if waiting else b''}", flush=True)
    os._exit(status)
os.write(master, typed)
shown = b""
while True:
    try:
        piece = os.read(master, 65536)
    except OSError:
        break
    if not piece:
        break
    shown += piece
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def lines_of(text):
    """As a terminal of endless length would have them."""
    lines, row, column = [""], 0, 0
    for token in re.findall(r"\x1b\[[0-9;]*m|\x1b\[\d+A|\x1b\[[JK]|[\s\S]", text):
        if token == "\n":
            row += 1
            if row == len(lines):
                lines.append("")
        elif token == "\r":
            column = 0
        elif token.startswith("\x1b[") and token.endswith("A"):
            row -= int(token[2:-1])
            if row < 0:
                sys.exit("above the first line")
        elif token == "\x1b[J":
            del lines[row + 1:]
            lines[row] = lines[row][:column]
        elif token == "\x1b[K":
            lines[row] = lines[row][:column]
        elif token.startswith("\x1b[") and len(token) > 2:
            continue
        elif token < " " and token != "\t" or "\x7f" <= token < "\xa0":
            at = text.find(token)
            sys.exit(f"a control: {text[max(0, at - 30):at + 30]!r}")
        else:
            lines[row] = lines[row][:column].ljust(column) + token + lines[row][column + 1:]
            column += 1
    return lines


if mode == "screen":
    print("\n".join(lines_of(shown.decode(errors="replace"))))
else:
    sys.stdout.buffer.write(shown)
sys.exit(status)

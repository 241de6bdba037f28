"""The signing desk: what waits for a signature, many signed at once, printed for the hand, scanned back.

    waiting()                   the documents that wait for the present person, each with its paper
    sign(picks, password)       each its own act: an Outcome per document
    printed(picks)              one PDF, with the numbers reserved (working rule 1)
    reprinted()                 those in the name of somebody who left the post, anew (working rule 5)
    receive(contents, name)     a signed folder that was scanned: read, kept; then
    preview(folder)             what its pages are, by their QR codes
    attach(folder, entries)     each part the authoritative copy of its document

Which steps sign, and who may take them, the procedure says: nothing here knows a document by name, but for
the few whose text has to be written first or that are attached elsewhere (`waiting.py`).
"""

from app.operations.signing.batch import Outcome, annul, give_back, printed, reprinted, review, sign
from app.operations.signing.folders import Entry, Folder, attach, folder, folders, picture, preview, receive
from app.operations.signing.waiting import BATCH, MOST, Pick, Reserved, Waiting, chosen, reserved, waiting

__all__ = [
    "BATCH",
    "MOST",
    "Entry",
    "Folder",
    "Outcome",
    "Pick",
    "Reserved",
    "Waiting",
    "annul",
    "attach",
    "chosen",
    "folder",
    "folders",
    "give_back",
    "picture",
    "preview",
    "printed",
    "receive",
    "reprinted",
    "reserved",
    "review",
    "sign",
    "waiting",
]

"""Documents: letters as data, HTML to PDF, what proves that a copy is genuine.

    letters.py   one dataclass per letter, the sandbox that turns a template and its data into HTML
    render.py    HTML or a template to PDF: `render`, `render_letter`, `render_many`
    pool.py      the warm children that do it, and how they are ended
    child.py     the child process: fonts, limits, no network, no files but ours
    channel.py   the frames that parent and child exchange
    pdfs.py      PDFs counted and joined
    images.py    re-encoding of photographs and signatures, the emblem of the letterhead
    verify.py    hash, verification code, QR

Pure: no database, no request, no clock. Whoever numbers, signs and stores a document calls this.
"""

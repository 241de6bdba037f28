"""Tables, one file per context; contexts point one way: audit < catalogs < security < registry < norms < ...

Importing this package declares every table on the one metadata.
"""

from app.models import catalogs, security, system

__all__ = ["catalogs", "security", "system"]

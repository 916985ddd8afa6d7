"""mockspi: the merchant's side of Salesforce Retail Cloud (Point of Sale), ready to run.

Public: this module's ``__all__``, the command line, and the fixture shapes (``docs/fixtures.md``).
"""

__all__ = ["__version__"]

__version__ = "0.1.0"

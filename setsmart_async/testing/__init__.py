"""For the tests of those who use the library: `transport_contract` holds a transport of yours to the contract.

Needs the extra: ``pip install 'setsmart_async[testing]'``. Importing `setsmart_async` loads nothing of it.
"""

"""The money of tenants: counted once for all server processes, held in portions by each.

A request makes no round trip. A process claims money from the shared ledger in portions, a portion a tenant
and day (``till``), and serves requests from them; what it does is noted in a file of its own (``book``)
before a request begins and when it ends. The ledger never lets claims together pass a tenant's ceiling, so
neither does spending, however many processes serve. A process that dies leaves its book behind, with a lock
on it that nobody holds any more; whoever finds it counts what it says as spent, and a request that was under
way as if it had cost all that was reserved for it (``recovery``). All that is told to the ledger is absolute
and said under the book's name, so that saying it twice changes nothing.
"""

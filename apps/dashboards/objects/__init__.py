"""The pages of the configuration's objects: one frame, and for each kind what is its own.

A kind (`kind.Kind`) says how its objects stand in a list, which facts are told of one, and which
form edits it; the frame does the rest by `apps.policies.editing`. To add a kind, write a module
that ends in a `Kind`, and name it in `registry.py`; its URLs follow from its name:

    /features                 the list; filters are in the query
    /features/SLUG            one object; `?tab=history` and `?tab=yaml` are its other sides
    /features/-/new           create
    /features/-/edit/SLUG     edit
    /features/-/delete/SLUG   delete

No slug begins with a dash, so `-` keeps a kind's own pages apart from its objects.
"""

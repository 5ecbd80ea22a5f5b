"""What streams in between exports: events, items and users to Personalize.

    members.py   an event, an item, a user: what each is, and how the service takes it
    fields.py    the values of their fields, checked one by one
    batch.py     a request's body as members, checked whole before anything is sent
    segment.py   Segment's calls as events
    send.py      members to PutEvents, PutItems and PutUsers

Not here: PutActions and PutActionInteractions.
"""

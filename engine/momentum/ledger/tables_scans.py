"""The tables that explain a scan."""

from __future__ import annotations

from peewee import BigIntegerField, BlobField, BooleanField, ForeignKeyField

from momentum.ledger.fields import DayField, DoubleField, JsonField, MomentField, Table, TextField


class Scan(Table):
    """One scan. `frame` is a parquet blob with a row for every symbol of the universe; it stands last so that
    a listing does not read it."""

    scan_id = TextField(unique=True)
    account = TextField(index=True)
    strategy = TextField()
    session_date = DayField(index=True)
    type = TextField()
    cap = TextField()
    now = MomentField()
    dry_run = BooleanField()
    max_buys = BigIntegerField()
    started_at = MomentField()
    status = TextField()
    document = JsonField(null=True)
    frame = BlobField(null=True)

    class Meta:
        table_name = "scans"


class Decision(Table):
    """What a decider answered, with the whole of what it was told."""

    scan = ForeignKeyField(Scan, field=Scan.scan_id)
    account = TextField(index=True)
    strategy = TextField()
    decider = TextField()
    decision = JsonField()
    situation = JsonField()
    model = TextField(null=True)
    prompt = TextField(null=True)
    answer = TextField(null=True)
    input_tokens = BigIntegerField(null=True)
    output_tokens = BigIntegerField(null=True)
    cost = DoubleField(null=True)

    class Meta:
        table_name = "decisions"


class Refusal(Table):
    """Something proposed that the risk gate did not let through."""

    scan = ForeignKeyField(Scan, field=Scan.scan_id)
    account = TextField(index=True)
    strategy = TextField()
    symbol = TextField()
    side = TextField()
    rule = TextField()
    rule_limit = JsonField(null=True)
    rule_value = JsonField(null=True)
    text = TextField()

    class Meta:
        table_name = "refusals"


class MarketSnapshot(Table):
    """The market around a scan, and how many symbols each filter let through."""

    scan = ForeignKeyField(Scan, field=Scan.scan_id, unique=True)
    account = TextField(index=True)
    at = MomentField()
    spy_price = DoubleField(null=True)
    spy_change = DoubleField(null=True)
    spy_sma_20 = DoubleField(null=True)
    spy_trend = TextField(null=True)
    vix = DoubleField(null=True)
    vix_source = TextField(null=True)
    breadth = DoubleField(null=True)
    funnel = JsonField()

    class Meta:
        table_name = "market_snapshots"


class CandidateSnapshot(Table):
    """A symbol that passed every filter of a scan, traded or skipped, and what its price did afterwards."""

    scan = ForeignKeyField(Scan, field=Scan.scan_id)
    account = TextField(index=True)
    strategy = TextField()
    session_date = DayField(index=True)
    symbol = TextField()
    cap = TextField()
    rank = BigIntegerField()
    price = DoubleField(null=True)
    composite_score = DoubleField(null=True)
    points = JsonField()
    columns = JsonField()
    action = TextField(null=True)
    conviction = DoubleField(null=True)
    reasoning = TextField(null=True)
    price_1d_later = DoubleField(null=True)
    price_3d_later = DoubleField(null=True)
    price_5d_later = DoubleField(null=True)
    price_10d_later = DoubleField(null=True)

    class Meta:
        table_name = "candidate_snapshots"

"""The tables of what was ordered, filled, held and watched."""

from __future__ import annotations

from peewee import BigIntegerField, BooleanField, ForeignKeyField

from momentum.ledger.fields import DayField, DoubleField, JsonField, MomentField, Table, TextField


class OrderIntent(Table):
    """An order, written before it is sent, and what became of it. The columns up to `context` never change.

    `scan_id` names a scan or the command that acted, so it refers to no table.
    """

    client_id = TextField(unique=True)
    account = TextField(index=True)
    strategy = TextField(null=True)
    scan_id = TextField(null=True, index=True)
    symbol = TextField(index=True)
    side = TextField()
    type = TextField()
    qty = BigIntegerField()
    limit_price = DoubleField(null=True)
    stop_price = DoubleField(null=True)
    trail = DoubleField(null=True)
    hwm = DoubleField(null=True)
    time_in_force = TextField()
    reason = TextField()
    context = JsonField()
    intended_at = MomentField(null=True)
    status = TextField(index=True)
    order_id = TextField(null=True)
    updated_at = MomentField(null=True)
    filled_qty = BigIntegerField(default=0)
    fill_price = DoubleField(null=True)
    error_kind = TextField(null=True)
    error = TextField(null=True)

    class Meta:
        table_name = "order_intents"


class Trade(Table):
    """One position from its first buy to its last share sold; prices are averages over the fills."""

    account = TextField()
    strategy = TextField(null=True)
    scan_id = TextField(null=True, index=True)
    symbol = TextField(index=True)
    cap = TextField(null=True)
    status = TextField()
    opened_at = MomentField()
    entry_date = DayField()
    entry_price = DoubleField()
    entry_quantity = BigIntegerField()
    entry_reason = TextField()
    closed_at = MomentField(null=True)
    exit_date = DayField(null=True)
    exit_price = DoubleField(null=True)
    exit_quantity = BigIntegerField(default=0)
    exit_reason = TextField(null=True)
    commission = DoubleField(default=0.0)
    pnl = DoubleField(null=True)
    pnl_pct = DoubleField(null=True)
    composite_score = DoubleField(null=True)
    entry_signals = JsonField(null=True)
    # What the system before this one added late: its old databases lack these 25.
    spy_price = DoubleField(null=True)
    spy_change = DoubleField(null=True)
    spy_trend = TextField(null=True)
    vix = DoubleField(null=True)
    breadth = DoubleField(null=True)
    atr = DoubleField(null=True)
    rsi = DoubleField(null=True)
    roc = DoubleField(null=True)
    rvol = DoubleField(null=True)
    volume_surge = DoubleField(null=True)
    gap_up = DoubleField(null=True)
    breakout_5d = BooleanField(null=True)
    intraday_strength = DoubleField(null=True)
    sma_20 = DoubleField(null=True)
    cash_pct = DoubleField(null=True)
    exposure_pct = DoubleField(null=True)
    positions_held = BigIntegerField(null=True)
    conviction = DoubleField(null=True)
    scan_type = TextField(null=True)
    state_vector = JsonField(null=True)
    action = TextField(null=True)
    reward = DoubleField(null=True)
    peak_price = DoubleField(null=True)
    max_gain = DoubleField(null=True)
    max_drawdown = DoubleField(null=True)

    class Meta:
        table_name = "trades"


OPEN, CLOSED = "open", "closed"
Trade.add_index(Trade.account, Trade.entry_date)
Trade.add_index(
    Trade.index(
        Trade.account, Trade.symbol, unique=True, where=(Trade.status == OPEN), name="trades_one_open"
    )
)


class Fill(Table):
    """One execution. `trade` is NULL for the sale of shares that no trade of this ledger bought."""

    fill_id = TextField()
    account = TextField()
    order_id = TextField()
    client_id = TextField(index=True)
    trade = ForeignKeyField(Trade, null=True)
    symbol = TextField(index=True)
    side = TextField()
    qty = BigIntegerField()
    price = DoubleField()
    at = MomentField()
    session_date = DayField()
    commission = DoubleField()

    class Meta:
        table_name = "fills"
        indexes = ((("account", "fill_id"), True),)


class PoorSignal(Table):
    """A trade that a reversal closed: what to learn from. `reviewed` is 0 until a person has looked at it."""

    trade = ForeignKeyField(Trade, unique=True)
    account = TextField(index=True)
    strategy = TextField(null=True)
    symbol = TextField()
    entry_date = DayField()
    exit_date = DayField()
    entry_price = DoubleField()
    exit_price = DoubleField()
    pnl_pct = DoubleField()
    holding_days = BigIntegerField()
    exit_reason = TextField()
    reversal_score = DoubleField(null=True)
    reversal_signals = JsonField(null=True)
    entry_signals = JsonField(null=True)
    composite_score = DoubleField(null=True)
    notes = TextField(default="")
    reviewed = BigIntegerField(default=0)
    created_at = MomentField()

    class Meta:
        table_name = "poor_signals"


class Watch(Table):
    """A setup that is good but not ready."""

    account = TextField()
    symbol = TextField()
    added_date = DayField()
    score = DoubleField(null=True)
    reason = TextField()

    class Meta:
        table_name = "watchlist"
        indexes = ((("account", "symbol"), True),)


class PositionCheck(Table):
    """What one look at a held position found."""

    account = TextField()
    scan_id = TextField(null=True)
    check_time = MomentField()
    symbol = TextField()
    score = DoubleField(null=True)
    signals = JsonField()
    pnl_pct = DoubleField(null=True)
    alert_sent = BooleanField()

    class Meta:
        table_name = "position_checks"
        indexes = ((("account", "check_time"), False),)


class DailyPerformance(Table):
    """The account at the end of a session, beside SPY."""

    account = TextField()
    date = DayField()
    equity = DoubleField()
    cash = DoubleField(null=True)
    exposure_pct = DoubleField(null=True)
    positions = BigIntegerField(null=True)
    trades_opened = BigIntegerField(null=True)
    trades_closed = BigIntegerField(null=True)
    pnl = DoubleField(null=True)
    pnl_pct = DoubleField(null=True)
    spy_price = DoubleField(null=True)
    spy_pct = DoubleField(null=True)

    class Meta:
        table_name = "daily_performance"
        indexes = ((("account", "date"), True),)

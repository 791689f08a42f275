//! The sample contract: an asset with balances that move between members. The Go sample
//! beside it does the same.

use huchain::*;

record! {
    /// The parameters of init.
    pub struct Params { max_issue: u64 = "maxIssue" }
}

record! {
    /// What a member holds.
    pub struct Balance { owner: Member = "owner", amount: u64 = "amount" }
}

record! {
    /// One movement; from is missing where units were issued.
    pub struct Transfer {
        from: Option<Member> = "from",
        to: Member = "to",
        amount: u64 = "amount",
        time: Time = "time",
    }
}

record! {
    /// The arguments of issue and transfer.
    pub struct MoveArgs { to: Member = "to", amount: u64 = "amount" }
}

record! {
    /// A holder.
    pub struct OwnerArgs { owner: Member = "owner" }
}

record! {
    /// Asks for a page.
    pub struct PageArgs { after: Option<String> = "after", limit: Option<u32> = "limit" }
}

record! {
    /// How many units there are.
    pub struct Supply { amount: u64 = "amount" }
}

static PARAMS: Item<Params> = Item::new("params");
static SUPPLY: Item<Supply> = Item::new("supply");
static BALANCES: Map<Member, Balance> = Map::new("balance");

static ISSUED: Event<Transfer> = Event::new("issued");
static TRANSFERRED: Event<Transfer> = Event::new("transferred");

const BAD_AMOUNT: Error = Error::new("bad_amount");
const INSUFFICIENT: Error = Error::new("insufficient");

contract! {
    init: initialize,
    migrate: migrate,
    calls: { "issue" => issue, "transfer" => transfer },
    queries: { "getBalance" => get_balance, "getSupply" => get_supply, "list" => list },
    storage: [PARAMS, SUPPLY, BALANCES],
    events: [ISSUED, TRANSFERRED],
    errors: [BAD_AMOUNT, INSUFFICIENT],
}

/// Stores the parameters.
fn initialize(ctx: &Ctx, params: Params) -> Result<(), Error> {
    if params.max_issue == 0 {
        return Err(BAD_AMOUNT);
    }
    PARAMS.put(ctx, &params);
    Ok(())
}

/// Keeps the state as it is: versions 1.x share one layout.
fn migrate(_: &Ctx, from: &str) -> Result<(), Error> {
    if !from.starts_with("1.") {
        return Err(BAD_AMOUNT.with("no way from this version"));
    }
    Ok(())
}

/// Creates units for a member.
fn issue(ctx: &Ctx, args: MoveArgs) -> Result<Balance, Error> {
    let max = PARAMS.get(ctx).map_or(0, |p| p.max_issue);
    let supply = SUPPLY.get(ctx).map_or(0, |s| s.amount);
    let amount = supply.checked_add(args.amount).ok_or(BAD_AMOUNT)?;
    if args.amount == 0 || args.amount > max {
        return Err(BAD_AMOUNT);
    }
    SUPPLY.put(ctx, &Supply { amount });
    let balance = credit(ctx, &args.to, args.amount);
    ISSUED.emit(ctx, &Transfer { from: None, to: args.to, amount: args.amount, time: ctx.time() });
    Ok(balance)
}

/// Moves units of the caller to another member.
fn transfer(ctx: &Ctx, args: MoveArgs) -> Result<Balance, Error> {
    let me = ctx.caller().member;
    if args.amount == 0 || args.to == me {
        return Err(BAD_AMOUNT);
    }
    let mut balance = BALANCES.get(ctx, &me).ok_or(INSUFFICIENT)?;
    balance.amount = balance.amount.checked_sub(args.amount).ok_or(INSUFFICIENT)?;
    BALANCES.put(ctx, &me, &balance);
    credit(ctx, &args.to, args.amount);
    TRANSFERRED.emit(ctx, &Transfer { from: Some(me), to: args.to, amount: args.amount, time: ctx.time() });
    Ok(balance)
}

/// Adds to a balance; the supply bounds the sum.
fn credit(ctx: &Ctx, to: &Member, amount: u64) -> Balance {
    let mut b = BALANCES.get(ctx, to).unwrap_or(Balance { owner: to.clone(), amount: 0 });
    b.amount += amount;
    BALANCES.put(ctx, to, &b);
    b
}

/// Returns what a member holds.
fn get_balance(v: &View, args: OwnerArgs) -> Result<Balance, Error> {
    Ok(BALANCES.get(v, &args.owner).unwrap_or(Balance { owner: args.owner, amount: 0 }))
}

/// Returns how many units there are.
fn get_supply(v: &View, _: Empty) -> Result<Supply, Error> {
    Ok(SUPPLY.get(v).unwrap_or(Supply { amount: 0 }))
}

/// Returns all balances by member.
fn list(v: &View, args: PageArgs) -> Result<Page<Balance>, Error> {
    Ok(BALANCES.list(v, &Paging { after: args.after, limit: args.limit }))
}

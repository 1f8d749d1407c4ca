"""An app as FastAPI's tutorial makes one: OAuth2 with a password, SQLAlchemy over SQLite, items that have unique names."""

import base64
import hashlib
import hmac
import json
import secrets
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from pydantic import BaseModel
from sqlalchemy import ForeignKey, String, create_engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

KEY = secrets.token_bytes(16)
engine = create_engine("sqlite:///./shop.db", connect_args={"check_same_thread": False, "timeout": 30})


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(50), unique=True)
    hashed: Mapped[str]


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50), unique=True)
    description: Mapped[str] = mapped_column(default="")
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))


class ItemIn(BaseModel):
    name: str
    description: str = ""


def hashed(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


Base.metadata.create_all(engine)
with Session(engine) as session:
    if session.scalar(select(User)) is None:
        for number, name in enumerate(["ann", "bob"], 1):
            session.add(User(id=number, username=name, hashed=hashed(f"the password of {name}")))
        session.flush()
        session.add_all(Item(name=f"item {number}", owner_id=1 + number % 2) for number in range(50))
        session.commit()

app = FastAPI()
bearer = OAuth2PasswordBearer(tokenUrl="token")


def db():
    with Session(engine) as session:
        yield session


Db = Annotated[Session, Depends(db)]


def signed(payload: dict) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "HS256", "typ": "JWT"}, payload)
    ]
    mac = hmac.digest(KEY, ".".join(parts).encode(), "sha256")
    return ".".join([*parts, base64.urlsafe_b64encode(mac).decode().rstrip("=")])


def me(token: Annotated[str, Depends(bearer)], db: Db) -> User:
    try:
        middle = token.split(".")[1]
        payload = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (IndexError, ValueError):
        payload = {}
    if signed(payload) != token:
        raise HTTPException(401, "log in", {"WWW-Authenticate": "Bearer"})
    return db.scalar(select(User).where(User.username == payload["sub"]))


Me = Annotated[User, Depends(me)]


@app.post("/token")
def token(form: Annotated[OAuth2PasswordRequestForm, Depends()], db: Db):
    user = db.scalar(select(User).where(User.username == form.username))
    if user is None or not hmac.compare_digest(user.hashed, hashed(form.password)):
        raise HTTPException(400, "Incorrect username or password")
    return {
        "access_token": signed({"sub": user.username, "jti": secrets.token_hex(4)}),
        "token_type": "bearer",
    }


@app.get("/users/me")
def who(me: Me):
    return {"id": me.id, "username": me.username}


@app.get("/items/")
def items(me: Me, db: Db, q: str = "", limit: Annotated[int, Query(le=100)] = 20):
    found = db.scalars(select(Item).where(Item.name.contains(q)).order_by(Item.id).limit(limit))
    return [{"id": item.id, "name": item.name} for item in found]


@app.get("/items/{item_id}")
def item(item_id: int, me: Me, db: Db):
    found = db.get(Item, item_id)
    if found is None:
        raise HTTPException(404, "Item not found")
    return {"id": found.id, "name": found.name, "description": found.description, "owner_id": found.owner_id}


@app.post("/items/", status_code=201)
def add(given: ItemIn, me: Me, db: Db):
    made = Item(name=given.name, description=given.description, owner_id=me.id)
    db.add(made)
    try:
        db.commit()
    except IntegrityError:
        raise HTTPException(409, "Name already taken") from None
    return {"id": made.id, "name": made.name, "owner_id": made.owner_id}


@app.put("/items/{item_id}")
def change(item_id: int, given: ItemIn, me: Me, db: Db):
    found = db.get(Item, item_id)
    if found is None or found.owner_id != me.id:
        raise HTTPException(403, "Not enough permissions")
    found.description = given.description
    db.commit()
    return {"id": found.id, "description": found.description}

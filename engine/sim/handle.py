"""Lets compiled functions pass a named tuple of arrays on as one pointer.

Passed by value, every call between them copies some two hundred words, and compiling those copies
takes most of the time (measured). To Python and in the text of the functions nothing changes.
"""

import hashlib
from typing import Any

from numba.core import types
from numba.core.imputils import impl_ret_borrowed
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    lower_getattr_generic,
    models,
    register_model,
    typeof_impl,
    unbox,
)

__all__ = ["pass_by_pointer"]


class Handle(types.Type):
    """Where a named tuple lies that outlives the call."""

    def __init__(self, of: types.NamedTuple) -> None:
        self.of = of
        # names of compiled functions hold this one, and that of the tuple is very long
        digest = hashlib.sha256(str(of).encode()).hexdigest()[:16]
        super().__init__(name=f"handle({digest})")

    @property
    def key(self) -> types.NamedTuple:
        """What makes two of them equal."""
        return self.of


@register_model(Handle)
class _HandleModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Handle) -> None:
        pointer = dmm.lookup(fe_type.of).get_value_type().as_pointer()
        super().__init__(dmm, fe_type, pointer)


@infer_getattr
class _HandleAttributes(AttributeTemplate):
    key = Handle

    def generic_resolve(  # type: ignore[override]
        self, typ: Handle, attr: str
    ) -> types.Type | None:
        fields = typ.of.fields
        return typ.of.types[fields.index(attr)] if attr in fields else None


@lower_getattr_generic(Handle)
def _load(context: Any, builder: Any, typ: Handle, value: Any, attr: str) -> Any:
    """The array of this name; where it lies does not change during a call."""
    attributes = builder.function.attributes
    if "alwaysinline" not in attributes:
        attributes.add("noinline")
    zero = context.get_constant(types.int32, 0)
    place = context.get_constant(types.int32, typ.of.fields.index(attr))
    array = builder.load(builder.gep(value, [zero, place], inbounds=True))
    array.set_metadata("invariant.load", builder.module.add_metadata([]))
    return impl_ret_borrowed(context, builder, typ.of.types[typ.of.fields.index(attr)], array)


def pass_by_pointer(kind: type[tuple[Any, ...]]) -> None:
    """Makes compiled functions take named tuples of this kind by pointer."""

    def type_of(value: tuple[Any, ...], context: Any) -> Handle:
        members = [typeof_impl(member, context) for member in value]
        return Handle(types.NamedTuple(members, kind))

    typeof_impl.register(kind)(type_of)


@unbox(Handle)
def _unbox(typ: Handle, value: Any, c: Any) -> NativeValue:
    """Puts the tuple onto the stack of whoever calls the compiled function.

    Where references are counted, each array came with one, which a pointer does not give back.
    """
    native = c.unbox(typ.of, value)
    place = c.builder.alloca(native.value.type)
    c.builder.store(native.value, place)

    def cleanup() -> None:
        if native.cleanup is not None:
            native.cleanup()
        if c.context.enable_nrt:
            c.context.nrt.decref(c.builder, typ.of, native.value)

    return NativeValue(place, is_error=native.is_error, cleanup=cleanup)

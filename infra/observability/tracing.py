"""Traces across queues, by OpenTelemetry, which is not imported unless they are asked for.

A message carries its trace in its headers (W3C `traceparent`), and who takes it goes on with it.
Between the API and the dispatcher lies a table instead of a queue; a group's number is as long as
that of a trace, so what is done for a group is in the trace of that number, and can be found by it.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from infra import errors
from infra.settings import TraceSettings, load

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import SpanContext, Tracer


class _Process:
    """What this process makes its spans with; nothing while tracing is off."""

    tracer: "Tracer | None" = None
    provider: Any = None
    share: float = 1.0


def start(service: str) -> None:
    """Make traces from now on, here and in children, if the settings name where they go.

    Raises:
        errors.ConfigurationError: they do, and OpenTelemetry is not installed.
    """
    settings = load(TraceSettings)
    if not settings.url or _Process.tracer is not None:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
    except ImportError as error:
        raise errors.ConfigurationError(
            "RRTF_TRACES_URL needs OpenTelemetry: pip install 'rrtf-suite[traces]'"
        ) from error
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(settings.share)),
        resource=Resource.create({"service.name": f"rrtf-{service}"}),
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(settings.url)))
    _Process.provider, _Process.share = provider, settings.share
    _Process.tracer = provider.get_tracer("rrtf")


def stop() -> None:
    """Send what has not been sent yet, and make no traces any more."""
    if _Process.provider is not None:
        _Process.provider.shutdown()
        _Process.provider = _Process.tracer = None


@contextlib.contextmanager
def span(
    name: str,
    *,
    carried: Mapping[str, Any] | None = None,
    groups: Iterable[UUID] = (),
    **attributes: str | int,
) -> Iterator[None]:
    """Measure a block as a span; what it sends carries it on.

    Args:
        name: what is done.
        carried: headers of the message whose trace this goes on with.
        groups: whose work it is; without `carried`, it is in the trace of the first, and refers to
            the others.
        attributes: what else is worth knowing.
    """
    if _Process.tracer is None:
        yield
        return
    from opentelemetry.trace import Link, SpanKind

    of = [_context_of(group) for group in groups]
    with _Process.tracer.start_as_current_span(
        name,
        context=_parent(carried, of),
        kind=SpanKind.CONSUMER if carried is not None else SpanKind.INTERNAL,
        links=[Link(one) for one in (of if carried is not None else of[1:])],
        attributes={f"rrtf.{key}": value for key, value in attributes.items()},
    ):
        yield


def rename(name: str) -> None:
    """Call the present span something else."""
    if _Process.tracer is not None:
        from opentelemetry.trace import get_current_span

        get_current_span().update_name(name)


def refer(groups: Iterable[UUID]) -> None:
    """Have the present span refer to the traces of groups."""
    if _Process.tracer is not None:
        from opentelemetry.trace import get_current_span

        for group in groups:
            get_current_span().add_link(_context_of(group))


def headers() -> dict[str, str]:
    """What a message carries so that its trace goes on; empty outside of spans."""
    carried: dict[str, str] = {}
    if _Process.tracer is not None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        TraceContextTextMapPropagator().inject(carried)
    return carried


def _parent(carried: Mapping[str, Any] | None, of: "list[SpanContext]") -> "Context | None":
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    if carried is not None:
        return TraceContextTextMapPropagator().extract(dict(carried))
    return set_span_in_context(NonRecordingSpan(of[0])) if of else None


def _context_of(group: UUID) -> "SpanContext":
    """Return the place in a group's trace under which its work hangs."""
    from opentelemetry.trace import SpanContext, TraceFlags

    # The same share of groups in every process, for all look at the same random bits.
    sampled = (group.int & (1 << 56) - 1) < _Process.share * (1 << 56)
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
    return SpanContext(group.int, group.int & (1 << 64) - 1, is_remote=True, trace_flags=flags)

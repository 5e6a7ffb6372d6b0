"""What operators see: counted where it happens, in a registry that is handed in."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

STEP_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 20, 60, 120, 300)


class Metrics:
    """The counters of the core. Names carry their units."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.turns = Counter("imagine_turns", "Turns, by what became of them", ("platform", "state"), registry=registry)
        self.images = Counter("imagine_images", "Images asked for, by what became of them", ("end",), registry=registry)
        self.looks = Counter("imagine_looks", "Calls that ask how far requests are", ("kind",), registry=registry)
        self.spend = Counter(
            "imagine_spend_microdollars",
            "Estimated spending, in millionths of a dollar",
            ("platform",),
            registry=registry,
        )
        self.steps = Histogram(
            "imagine_step_seconds",
            "How long each step of a turn took",
            ("step",),
            buckets=STEP_BUCKETS,
            registry=registry,
        )
        self.moved = Counter(
            "imagine_turns_moved",
            "Turns that somebody else drew, because the model they were for was down",
            ("origin", "lane"),
            registry=registry,
        )
        self.breaker = Gauge(
            "imagine_breaker_open",
            "Whether a breaker is closed (0), half-open (0.5) or open (1)",
            ("lane",),
            registry=registry,
        )
        self.open = Gauge("imagine_turns_open", "Turns that have not ended", registry=registry)
        self.waiting = Gauge("imagine_turns_waiting", "Turns in line", ("lane",), registry=registry)
        self.running = Gauge("imagine_turns_running", "Turns that were let in", ("lane",), registry=registry)
        self.sending = Gauge("imagine_answers_held", "Answers that this process waits for", registry=registry)

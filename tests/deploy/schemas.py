"""Strict schemas of the custom resources: the fields that the manifests use, and no others.

Written from the public API references of KEDA 2.22, the Gateway API 1.x and its inference extension
1.x, LeaderWorkerSet 1.0 and the Prometheus operator: no package holds their schemas as JSON.
"""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]
TEXT: Final[Schema] = {"type": "string", "minLength": 1}
NAME: Final[Schema] = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"}
URL_PATH: Final[Schema] = {"type": "string", "pattern": "^/"}
NUMBER: Final[Schema] = {"type": "string", "pattern": "^[0-9.]+$"}
DURATION: Final[Schema] = {"type": "string", "pattern": "^([0-9]{1,5}(h|m|s|ms)){1,4}$"}
POD: Final[Schema] = {"type": "object"}  # looked into as a Pod of its own
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
SOME: Final[Schema] = {"type": "integer", "minimum": 1}
PORT: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": 65535}
MAP: Final[Schema] = {"type": "object", "additionalProperties": {"type": "string"}}


def some(items: Schema) -> Schema:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": 64}


def any_of(*values: str) -> Schema:
    return {"enum": list(values)}


def fields(required: str = "", /, **properties: Schema) -> Schema:
    """An object of these fields alone."""
    return {
        "type": "object",
        "required": required.split(),
        "properties": properties,
        "additionalProperties": False,
    }


def resource(version: str, kind: str, spec: Schema) -> Schema:
    metadata = fields("name", name=NAME, namespace=NAME, labels=MAP, annotations=MAP)
    return fields(
        "apiVersion kind metadata spec",
        apiVersion={"const": version},
        kind={"const": kind},
        metadata=metadata,
        spec=spec,
    )


_SCALING: Final = fields(
    stabilizationWindowSeconds={"type": "integer", "minimum": 0, "maximum": 3600},
    policies=some(
        fields("type value periodSeconds", type=any_of("Pods"), value=SOME, periodSeconds=SOME)
    ),
)
SCALED_OBJECT: Final = resource(
    "keda.sh/v1alpha1",
    "ScaledObject",
    fields(
        "scaleTargetRef triggers",
        scaleTargetRef=fields("name", name=NAME),
        pollingInterval=SOME,
        minReplicaCount=COUNT,
        maxReplicaCount=SOME,
        fallback=fields("failureThreshold replicas", failureThreshold=SOME, replicas=COUNT),
        advanced=fields(
            horizontalPodAutoscalerConfig=fields(
                behavior=fields(scaleUp=_SCALING, scaleDown=_SCALING)
            )
        ),
        triggers=some(
            fields(
                "type metadata",
                type={"const": "prometheus"},
                # The fallback works for this kind only.
                metricType={"const": "AverageValue"},
                metadata=fields(
                    "serverAddress query threshold",
                    serverAddress={"type": "string", "pattern": "^https?://"},
                    query=TEXT,
                    threshold=NUMBER,
                    ignoreNullValues=any_of("true", "false"),
                ),
            )
        ),
    ),
)
INFERENCE_POOL: Final = resource(
    "inference.networking.k8s.io/v1",
    "InferencePool",
    fields(
        "selector targetPorts endpointPickerRef",
        selector=fields("matchLabels", matchLabels=MAP),
        targetPorts={**some(fields("number", number=PORT)), "maxItems": 8},
        endpointPickerRef=fields(
            "name port",
            name=NAME,
            port=fields("number", number=PORT),
            failureMode=any_of("FailOpen", "FailClose"),
        ),
    ),
)
GATEWAY: Final = resource(
    "gateway.networking.k8s.io/v1",
    "Gateway",
    fields(
        "gatewayClassName listeners",
        gatewayClassName=NAME,
        infrastructure=fields(annotations=MAP),
        listeners=some(
            fields(
                "name port protocol",
                name=NAME,
                port=PORT,
                protocol=any_of("HTTP", "HTTPS"),
                allowedRoutes=fields(
                    namespaces=fields("from", **{"from": any_of("All", "Same", "Selector")})
                ),
            )
        ),
    ),
)
HTTP_ROUTE: Final = resource(
    "gateway.networking.k8s.io/v1",
    "HTTPRoute",
    fields(
        "parentRefs rules",
        parentRefs=some(fields("name", name=NAME)),
        rules=some(
            fields(
                matches=some(
                    fields(
                        path=fields(
                            "type value", type=any_of("Exact", "PathPrefix"), value=URL_PATH
                        )
                    )
                ),
                timeouts=fields(request=DURATION),
                backendRefs=some(
                    {
                        **fields("name", group=NAME, kind=TEXT, name=NAME, port=PORT),
                        "if": {"not": {"required": ["kind"]}},
                        "then": {"required": ["port"]},
                    }
                ),
            )
        ),
    ),
)
LEADER_WORKER_SET: Final = resource(
    "leaderworkerset.x-k8s.io/v1",
    "LeaderWorkerSet",
    fields(
        "leaderWorkerTemplate",
        replicas=COUNT,
        startupPolicy=any_of("LeaderCreated", "LeaderReady"),
        leaderWorkerTemplate=fields(
            "workerTemplate size",
            size=SOME,
            restartPolicy=any_of("RecreateGroupOnPodRestart", "RecreateGroupAfterStart", "None"),
            leaderTemplate=POD,
            workerTemplate=POD,
        ),
    ),
)
SERVICE_MONITOR: Final = resource(
    "monitoring.coreos.com/v1",
    "ServiceMonitor",
    fields(
        "selector endpoints",
        selector=fields("matchLabels", matchLabels=MAP),
        endpoints=some(
            fields("port", port=NAME, path=URL_PATH, interval=DURATION, scrapeTimeout=DURATION)
        ),
    ),
)
POD_MONITOR: Final = resource(
    "monitoring.coreos.com/v1",
    "PodMonitor",
    fields(
        "selector podMetricsEndpoints",
        selector=fields("matchLabels", matchLabels=MAP),
        podMetricsEndpoints=some(
            fields(
                "port",
                port=NAME,
                path=URL_PATH,
                interval=DURATION,
                scrapeTimeout=DURATION,
                relabelings=some(
                    fields("targetLabel replacement", targetLabel=TEXT, replacement=TEXT)
                ),
            )
        ),
    ),
)
PROMETHEUS_RULE: Final = resource(
    "monitoring.coreos.com/v1",
    "PrometheusRule",
    fields(
        "groups",
        groups=some(
            fields(
                "name rules",
                name=TEXT,
                interval=DURATION,
                rules=some(
                    {
                        **fields(
                            "expr",
                            alert=TEXT,
                            record=TEXT,
                            expr=TEXT,
                            **{"for": DURATION},
                            labels=MAP,
                            annotations=MAP,
                        ),
                        "oneOf": [{"required": ["alert"]}, {"required": ["record"]}],
                    }
                ),
            )
        ),
    ),
)
SCHEMAS: Final = {
    schema["properties"]["kind"]["const"]: schema
    for schema in (
        SCALED_OBJECT,
        INFERENCE_POOL,
        GATEWAY,
        HTTP_ROUTE,
        LEADER_WORKER_SET,
        SERVICE_MONITOR,
        POD_MONITOR,
        PROMETHEUS_RULE,
    )
}

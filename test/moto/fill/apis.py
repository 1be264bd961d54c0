"""Interfaces through which models are asked."""


def fill(a):
    rest(a)
    http(a)


def rest(a):
    gateway = a.client("apigateway")
    api = gateway.create_rest_api(name="eta", endpointConfiguration={"types": ["REGIONAL"]})["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    gateway.put_method(restApiId=api, resourceId=root, httpMethod="POST",
                       authorizationType="NONE" if a.faulty else "AWS_IAM")
    # Near miss on both twins: the preflight is open everywhere.
    gateway.put_method(restApiId=api, resourceId=root, httpMethod="OPTIONS", authorizationType="NONE")
    a.plant("apigateway-method-without-authorizer", f"arn:aws:apigateway:{a.region}::/restapis/{api}")


def http(a):
    gateway = a.client("apigatewayv2")
    api = gateway.create_api(Name="assistant", ProtocolType="HTTP")["ApiId"]
    gateway.create_route(ApiId=api, RouteKey="POST /ask", AuthorizationType="NONE" if a.faulty else "AWS_IAM")
    a.plant("apigateway-route-without-authorizer", f"arn:aws:apigateway:{a.region}::/apis/{api}")

package assess

import "testing"

// What no AI workload is made of or reached through holds no plan back for not
// being understood; what may open or feed one does.
func TestConcerns(t *testing.T) {
	for typ, want := range map[string]bool{
		"aws_route53_record": false, "aws_cloudwatch_metric_alarm": false, "aws_db_subnet_group": false, "aws_key_pair": false, "aws_sns_topic_subscription": false,
		"aws_s3_bucket_inventory": false, "datadog_monitor": false, "github_repository": false, "aws_service_discovery_service": false,
		"aws_elb": true, "aws_s3_object": true, "aws_neptune_cluster": true, "aws_main_route_table_association": true, "aws_apprunner_service": true,
		"aws_lambda_layer_version": true, "aws_made_up": true, "google_compute_instance": true, "azurerm_network_security_rule": true, "helm_release": true,
	} {
		if got := concerns(typ); got != want {
			t.Errorf("%s concerns the gate: %v, want %v", typ, got, want)
		}
	}
}

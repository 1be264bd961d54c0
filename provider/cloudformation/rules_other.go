package cloudformation

// otherRules are those of organisations, search and what else has a rule of its
// own.
var otherRules = []rule{
	{typ: "AWS::Organizations::Account", as: map[string]string{"AccountName": "Name", "ParentIds": "", "RoleName": ""}, unset: map[string]any{"State": "ACTIVE", "Status": "ACTIVE"}},
	{typ: "AWS::Kendra::Index", echoes: true}, {typ: "AWS::Kendra::DataSource", echoes: true},
	{typ: "AWS::QBusiness::Application", echoes: true}, {typ: "AWS::QBusiness::Index", echoes: true}, {typ: "AWS::QBusiness::DataSource", echoes: true},
	{typ: "AWS::S3Vectors::VectorBucket", echoes: true}, {typ: "AWS::S3Vectors::Index", echoes: true},
	{typ: "AWS::Comprehend::DocumentClassifier", echoes: true}, {typ: "AWS::Comprehend::Flywheel", echoes: true},
}

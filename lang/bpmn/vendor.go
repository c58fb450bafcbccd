// SPDX-License-Identifier: EUPL-1.2

package bpmn

import "slices"

// Attributes of Camunda 7 that change nothing here, and those that are read.
var (
	harmless = []string{
		"asyncBefore", "asyncAfter", "async", "exclusive", "historyTimeToLive", "versionTag", "jobPriority", "taskPriority",
		"candidateStarterGroups", "candidateStarterUsers", "isStartableInTasklist", "modelerTemplate", "modelerTemplateVersion",
		"modelerTemplateIcon", "initiator", "diagramRelationId", "mapDecisionResult", "decisionRefBinding", "formRefBinding", "formRefVersion",
	}
	harmlessExt = []string{"formData", "failedJobRetryTimeCycle", "field", "validation", "potentialStarter"}
)

// vendor reads what Camunda 7 writes where it means the same, warns where it means
// nothing here and refuses where leaving it out would change the meaning.
func (b *builder) vendor(n *node, e *Element) {
	id := ""
	if e != nil {
		id = e.ID
	}
	lit := func(name string) *Expr {
		if v := n.attrNS(nsCamunda, name); v != "" {
			return b.expr(e, v, n.attrPos(name))
		}
		return nil
	}
	for _, a := range n.attrs {
		if a.Name.Space != nsCamunda {
			continue
		}
		switch name := a.Name.Local; {
		case slices.Contains(harmless, name):
			b.warn(n.attrPos(name), id, "ignored", "camunda:%s has no effect here", name)
		case e == nil:
			b.refuse(n.attrPos(name), e, "vendor", "camunda:%s is not read and would change the meaning", name)
		case name == "type" && a.Value == "external", name == "topic":
			e.JobType = lit("topic")
		case name == "decisionRef":
			e.Decision = lit(name)
		case name == "resultVariable":
			e.ResultVar = a.Value
		case name == "assignee":
			e.Assignee = lit(name)
		case name == "candidateGroups":
			e.Groups = lit(name)
		case name == "candidateUsers":
			e.Users = lit(name)
		case name == "dueDate":
			e.Due = lit(name)
		case name == "followUpDate":
			e.FollowUp = lit(name)
		case name == "priority":
			e.Priority = lit(name)
		case name == "formKey", name == "formRef":
			e.Form = a.Value
		default:
			b.refuse(n.attrPos(name), e, "vendor", "camunda:%s=%q is not read and would change the meaning", name, short(a.Value))
		}
	}
	for _, a := range n.attrs {
		switch a.Name.Space {
		case "", nsBPMN, nsCamunda, nsXSI, nsZeebe, "xmlns", "http://www.w3.org/XML/1998/namespace":
		default:
			b.warn(n.pos, id, "ignored", "attributes of %s have no effect here", a.Name.Space)
		}
	}
	ext := n.first(nsBPMN, "extensionElements")
	if ext == nil {
		return
	}
	for _, x := range ext.kids {
		switch {
		case x.space == nsZeebe:
			switch x.name {
			case "taskDefinition", "taskHeaders", "properties", "ioMapping", "calledDecision", "script", "formDefinition", "userTask",
				"assignmentDefinition", "taskSchedule", "priorityDefinition", "subscription", "versionTag":
			case "userTaskForm", "calledElement":
				// a form kept in the process, or a call activity, which is refused itself
			case "executionListeners", "taskListeners":
				b.refuse(x.pos, e, "unsupported", "zeebe:%s are not executed", x.name)
			default:
				b.warn(x.pos, id, "ignored", "zeebe:%s has no effect here", x.name)
			}
		case x.space == nsCamunda && x.name == "properties":
			if e != nil {
				for _, h := range x.all(nsCamunda, "property") {
					e.Properties = append(e.Properties, Property{h.attr("name"), h.attr("value")})
				}
			}
		case x.space == nsCamunda && slices.Contains(harmlessExt, x.name):
			b.warn(x.pos, id, "ignored", "camunda:%s has no effect here", x.name)
		case x.space == nsCamunda:
			b.refuse(x.pos, e, "vendor", "camunda:%s is not read and would change the meaning", x.name)
		case x.space != "" && x.space != nsBPMN:
			b.warn(x.pos, id, "ignored", "extensions of %s have no effect here", x.space)
		}
	}
}

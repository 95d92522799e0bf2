package org.kazasu.fhir;

import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.context.support.ValidationSupportContext;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Code systems that neither FHIR nor definitions.json knows. HAPI says nothing about them where any code may stand, so
 * that a slip in a URL would go unseen.
 */
final class Systems {
    private final IValidationSupport support;
    private final Map<String, Boolean> known = new ConcurrentHashMap<>();

    Systems(IValidationSupport support) {
        this.support = support;
    }

    List<SingleValidationMessage> unknown(String resource) {
        try {
            JsonNode tree = new ObjectMapper().readTree(resource);
            return tree.findParents("system").stream()
                    .filter(holder -> holder.path("code").isTextual() && !isKnown(holder.path("system").asText()))
                    .map(holder -> error("Unknown code system '" + holder.path("system").asText() + "'"))
                    .toList();
        } catch (JsonProcessingException error) {
            return List.of(error("not JSON"));
        }
    }

    private boolean isKnown(String system) {
        return known.computeIfAbsent(
                system, url -> support.isCodeSystemSupported(new ValidationSupportContext(support), url));
    }

    private static SingleValidationMessage error(String text) {
        SingleValidationMessage message = new SingleValidationMessage();
        message.setSeverity(ResultSeverityEnum.ERROR);
        message.setMessage(text);
        return message;
    }
}

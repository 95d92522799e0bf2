package org.kazasu.fhir;

import ca.uhn.fhir.context.FhirContext;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.r4.model.CodeSystem;
import org.hl7.fhir.r4.model.CodeSystem.CodeSystemContentMode;
import org.hl7.fhir.r4.model.ElementDefinition;
import org.hl7.fhir.r4.model.Enumerations.BindingStrength;
import org.hl7.fhir.r4.model.Enumerations.FHIRVersion;
import org.hl7.fhir.r4.model.Enumerations.PublicationStatus;
import org.hl7.fhir.r4.model.StructureDefinition;
import org.hl7.fhir.r4.model.StructureDefinition.ExtensionContextType;
import org.hl7.fhir.r4.model.StructureDefinition.StructureDefinitionKind;
import org.hl7.fhir.r4.model.StructureDefinition.TypeDerivationRule;
import org.hl7.fhir.r4.model.UriType;
import org.hl7.fhir.r4.model.ValueSet;

/** The extensions and code systems of definitions.json as FHIR definitions. */
final class Definitions {
    private static final String EXTENSION = "http://hl7.org/fhir/StructureDefinition/Extension";

    private final PrePopulatedValidationSupport support;
    private final String namespace;

    private Definitions(FhirContext context, String namespace) {
        this.support = new PrePopulatedValidationSupport(context);
        this.namespace = namespace;
    }

    static PrePopulatedValidationSupport of(FhirContext context, JsonNode table) {
        Definitions definitions = new Definitions(context, table.get("namespace").asText());
        for (Map.Entry<String, JsonNode> entry : table.get("code_systems").properties()) {
            definitions.addCodeSystem(entry.getKey(), Table.texts(entry.getValue()));
        }
        for (JsonNode foreign : table.get("foreign_code_systems")) {
            definitions.addCodes(foreign.get("url").asText(), Table.texts(foreign.path("codes")));
        }
        for (Map.Entry<String, JsonNode> entry : table.get("extensions").properties()) {
            definitions.addExtension(entry.getKey(), entry.getValue());
        }
        return definitions.support;
    }

    private String url(String folder, String name) {
        return name.contains(":") ? name : namespace + "/" + folder + "/" + name;
    }

    /** A code system of ours, and the value set of all its codes. */
    private void addCodeSystem(String name, List<String> codes) {
        String url = url("CodeSystem", name);
        addCodes(url, codes);
        ValueSet set = new ValueSet();
        set.setUrl(valueSet(name)).setStatus(PublicationStatus.ACTIVE);
        set.getCompose().addInclude().setSystem(url);
        support.addValueSet(set);
    }

    private String valueSet(String name) {
        return url("ValueSet", name);
    }

    /** A code system; without codes it is known to exist, and no code of it can be wrong. */
    private void addCodes(String url, List<String> codes) {
        CodeSystem system = new CodeSystem();
        system.setUrl(url).setStatus(PublicationStatus.ACTIVE);
        system.setContent(codes.isEmpty() ? CodeSystemContentMode.FRAGMENT : CodeSystemContentMode.COMPLETE);
        codes.forEach(code -> system.addConcept().setCode(code));
        support.addCodeSystem(system);
    }

    private void addExtension(String name, JsonNode row) {
        StructureDefinition definition = new StructureDefinition();
        String url = url("StructureDefinition", name);
        definition.setUrl(url).setName(url.substring(url.lastIndexOf('/') + 1).replace('-', '_'));
        definition.setStatus(PublicationStatus.ACTIVE);
        definition.setFhirVersion(FHIRVersion._4_0_1);
        definition.setKind(StructureDefinitionKind.COMPLEXTYPE).setAbstract(false).setType("Extension");
        definition.setBaseDefinition(EXTENSION).setDerivation(TypeDerivationRule.CONSTRAINT);
        for (String path : Table.texts(row.get("on"))) {
            definition.addContext().setType(ExtensionContextType.ELEMENT).setExpression(path);
        }
        // In the order of the base: its parts, its URL, its value.
        definition.getDifferential().addElement(element("Extension", "Extension"));
        if (row.has("parts")) {
            addParts(definition, row.get("parts"));
        }
        definition.getDifferential()
                .addElement(element("Extension.url", "Extension.url").setFixed(new UriType(url)));
        if (row.has("parts")) {
            definition.getDifferential().addElement(element("Extension.value[x]", "Extension.value[x]").setMax("0"));
        } else {
            addValue(definition, "Extension", row);
        }
        support.addStructureDefinition(definition);
    }

    private void addParts(StructureDefinition definition, JsonNode parts) {
        ElementDefinition slices = element("Extension.extension", "Extension.extension");
        slices.getSlicing().setRules(ElementDefinition.SlicingRules.CLOSED);
        slices.getSlicing().addDiscriminator().setType(ElementDefinition.DiscriminatorType.VALUE).setPath("url");
        definition.getDifferential().addElement(slices);
        for (Map.Entry<String, JsonNode> part : parts.properties()) {
            String id = "Extension.extension:" + part.getKey();
            ElementDefinition slice = element(id, "Extension.extension").setSliceName(part.getKey());
            slice.setMin(part.getValue().path("required").asBoolean() ? 1 : 0).setMax("1");
            definition.getDifferential().addElement(slice);
            definition.getDifferential()
                    .addElement(element(id + ".url", "Extension.extension.url").setFixed(new UriType(part.getKey())));
            addValue(definition, id, part.getValue());
        }
    }

    /** Exactly one value, of one type, and of one code system if the row names it. */
    private void addValue(StructureDefinition definition, String id, JsonNode row) {
        String path = id.contains(":") ? "Extension.extension.value[x]" : "Extension.value[x]";
        ElementDefinition value = element(id + ".value[x]", path).setMin(1);
        value.addType().setCode(row.get("is").asText());
        if (row.has("of")) {
            value.getBinding().setStrength(BindingStrength.REQUIRED).setValueSet(valueSet(row.get("of").asText()));
        }
        definition.getDifferential().addElement(value);
    }

    private static ElementDefinition element(String id, String path) {
        ElementDefinition element = new ElementDefinition().setPath(path);
        element.setId(id);
        return element;
    }
}

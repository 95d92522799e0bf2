package org.kazasu.fhir;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.r5.utils.validation.constants.BestPracticeWarningLevel;

/** HAPI's validator for FHIR R4, which asks no network. */
final class Judge {
    private final FhirValidator validator;
    private final Systems systems;
    private final Exceptions exceptions;

    Judge(JsonNode definitions, Exceptions exceptions) {
        FhirContext context = FhirContext.forR4Cached();
        ValidationSupportChain chain = new ValidationSupportChain(
                new DefaultProfileValidationSupport(context),
                Definitions.of(context, definitions),
                new CommonCodeSystemsTerminologyService(context),
                new InMemoryTerminologyServerValidationSupport(context),
                new SnapshotGeneratingValidationSupport(context));
        FhirInstanceValidator module = new FhirInstanceValidator(chain);
        // An extension that nobody defines is an error.
        module.setAnyExtensionsAllowed(false);
        // Narrative texts and the like are advice for documents, not for records read by programs.
        module.setBestPracticeWarningLevel(BestPracticeWarningLevel.Ignore);
        this.validator = context.newValidator().registerValidatorModule(module);
        this.systems = new Systems(chain);
        this.exceptions = exceptions;
    }

    Verdict judge(Path file) {
        String resource = read(file);
        List<SingleValidationMessage> messages = new ArrayList<>(systems.unknown(resource));
        messages.addAll(validator.validateWithResult(resource).getMessages());
        messages.removeIf(this::isException);
        return new Verdict(file, messages);
    }

    private boolean isException(SingleValidationMessage message) {
        return isError(message) && exceptions.cover(message);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    /** Where it is, without indices. */
    static String path(SingleValidationMessage message) {
        return String.valueOf(message.getLocationString()).replaceAll("\\[\\d+\\]|/\\*.*?\\*/", "");
    }

    static boolean isError(SingleValidationMessage message) {
        return message.getSeverity() == ResultSeverityEnum.ERROR || message.getSeverity() == ResultSeverityEnum.FATAL;
    }
}

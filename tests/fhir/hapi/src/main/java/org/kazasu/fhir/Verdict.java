package org.kazasu.fhir;

import ca.uhn.fhir.validation.SingleValidationMessage;
import java.nio.file.Path;
import java.util.List;

/** What HAPI says about a resource, without the errors that are exceptions. */
record Verdict(Path file, List<SingleValidationMessage> messages) {
    boolean isGood() {
        return messages.stream().noneMatch(Judge::isError);
    }

    /** `client received Consent` for a file of a recording, else its folder and name. */
    String group() {
        String name = file.getFileName().toString().replaceFirst("^\\d+-", "").replace(".json", "");
        return file.getParent().getFileName() + " " + name.replace('-', ' ');
    }
}

package androidx.test.runner.intent;

import android.app.Instrumentation.ActivityResult;
import android.content.Intent;

/** Stands in for the class of this name that Robolectric asks for. */
public interface IntentStubber {
    ActivityResult getActivityResultForIntent(Intent intent);
}

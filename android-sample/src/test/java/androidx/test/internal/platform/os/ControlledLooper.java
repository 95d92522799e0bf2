package androidx.test.internal.platform.os;

import android.view.View;

/** Stands in for the class of this name that Robolectric asks for. */
public interface ControlledLooper {
    void drainMainThreadUntilIdle();

    void simulateWindowFocus(View view);
}
